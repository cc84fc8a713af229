/* A leg's media gets another address: its rtpengine node is gone, and another one carries it from now on. */
#include <string.h>

#include "../private/leg.h"

void leg_set_place(struct leg *leg, media_place *place)
{
    leg->rtp_port = place->port;
    memcpy(leg->rtp_address, place->address, sizeof(leg->rtp_address));
    if (place->has_keys) {
        leg->has_own_keys = true;
        memcpy(leg->own_keys, place->keys, sizeof(leg->own_keys));
    }
    explicit_bzero(place->keys, sizeof(place->keys));
}

void leg_has_lost_media(tel_leg_id id)
{
    media_place place;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return;
    pjsip_dialog *dialog = leg->dialog;
    if (media_move(id, &place)) {
        leg_set_place(leg, &place);
        if (leg->agreed) {
            /* Where the peer is is known: what it is sent comes from the new place at once. */
            leg->params.exchange++;
            media_set(id, &leg->params);
        }
        /* An answer that is yet to come names the new address by itself. */
        leg->moved = leg->outgoing || leg->agreed;
        operations_kick(leg);
    }
    leg_release(dialog);
}
