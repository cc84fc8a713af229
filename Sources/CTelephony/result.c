#include "telephony.h"

const char *tel_strerror(tel_result result)
{
    switch (result) {
    case TEL_OK: return "done";
    case TEL_ERR_NO_LEG: return "no such leg";
    case TEL_ERR_STATE: return "the leg's state does not allow it";
    case TEL_ERR_INVALID: return "malformed argument";
    case TEL_ERR_FULL: return "no free leg, port or memory";
    case TEL_ERR_SYSTEM: return "refused by PJSIP or the system";
    }
    return "unknown result";
}
