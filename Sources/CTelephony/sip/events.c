#include <string.h>
#include <time.h>

#include "../private/leg.h"

/** Cleared by tel_stop before anything is taken down: no event comes after it returned. */
static atomic_bool enabled;

static int64_t microseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void tel_now(int64_t *wall_us, int64_t *mono_us)
{
    *wall_us = microseconds(CLOCK_REALTIME);
    *mono_us = microseconds(CLOCK_BOOTTIME);
}

void events_enable(bool now)
{
    atomic_store(&enabled, now);
}

void event_init(tel_event *event, tel_event_kind kind, tel_leg_id leg, uint64_t token)
{
    memset(event, 0, sizeof(*event));
    event->kind = kind;
    event->leg = leg;
    event->token = token;
}

void tel_emit(tel_event *event)
{
    if (!atomic_load(&enabled))
        return;
    if (event->mono_us == 0)
        tel_now(&event->wall_us, &event->mono_us);
    if (event->token == 0 && event->leg != 0)
        event->token = leg_token(event->leg);
    sip.callback(event, sip.context);
}
