/*
 * Legs whose node is gone: each gets a call at another node, as soon as one has some to spare, and the signalling side
 * tells its peer the new address by a re-INVITE. Some at a time: neither the nodes nor the peers are flooded.
 */
#include "../private/rtpengine.h"

#define AT_ONCE 32
#define SPARED 8         /* ready calls that are left to new legs */
#define MOST_MOVES 8     /* of one leg: a node that loses its calls again and again is not to have the peer asked for ever */
#define PAUSE_US 1000000 /* longer each time */

static uint32_t room(void)
{
    uint32_t ready = 0;
    for (int i = 0; i < far_node_count; i++)
        ready += far_nodes[i].up ? far_nodes[i].ready_count : 0;
    uint32_t spare = ready > SPARED ? ready - SPARED : 0;
    return spare < AT_ONCE ? spare : AT_ONCE;
}

static bool may_move(const far_call *c, int64_t now)
{
    return c != NULL && c->lost && c->moves < MOST_MOVES && now - c->lost_us >= c->moves * PAUSE_US;
}

void moving_tick(int64_t now)
{
    tel_leg_id legs[AT_ONCE];
    uint32_t count = 0;
    pthread_mutex_lock(&far_lock);
    uint32_t most = room();
    for (uint32_t slot = 0; slot < call_slots() && count < most; slot++) {
        far_call *c = call_at(slot);
        if (may_move(c, now))
            legs[count++] = c->leg;
    }
    pthread_mutex_unlock(&far_lock);
    for (uint32_t i = 0; i < count; i++)
        leg_has_lost_media(legs[i]);
}

bool far_move(tel_leg_id leg, media_place *place)
{
    pthread_mutex_lock(&far_lock);
    far_call *c = call_of(leg);
    node *n = c != NULL && c->lost ? node_in_turn() : NULL;
    if (n != NULL) {
        uint16_t own_port = c->own_port;
        uint32_t moves = c->moves + 1;
        c = call_give(n, leg, own_port); /* the lost one is let go */
        c->moves = moves;
        n->adopted++;
        call_place(c, place);
    }
    pthread_mutex_unlock(&far_lock);
    return n != NULL;
}
