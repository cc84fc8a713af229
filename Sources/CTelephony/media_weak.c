/* What the signalling side calls of the media side, for a build without it: legs have no sockets, so none is given. */
#include "private/media.h"

#define WEAK __attribute__((weak))

WEAK tel_result media_start(const tel_config *config, char *error, size_t error_size)
{
    (void)config, (void)error, (void)error_size;
    return TEL_OK;
}

WEAK void media_stop(void)
{
}

WEAK uint16_t media_open(tel_leg_id leg)
{
    (void)leg;
    return 0;
}

WEAK void media_set(tel_leg_id leg, const media_params *params)
{
    (void)leg, (void)params;
}

WEAK void media_close(tel_leg_id leg)
{
    (void)leg;
}

WEAK void media_send_digits(tel_leg_id leg, const char *digits)
{
    (void)leg, (void)digits;
}

WEAK bool media_get_leg_stats(tel_leg_id leg, tel_leg_stats *stats)
{
    (void)leg, (void)stats;
    return false;
}

WEAK void media_get_stats(tel_stats *stats)
{
    (void)stats;
}

WEAK bool media_has_digits(tel_leg_id leg)
{
    (void)leg;
    return false;
}
