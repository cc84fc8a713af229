#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../private/far.h"
#include "../private/leg.h"

#define DEFAULT_LEGS 8192
#define MOST_LEGS (1u << TEL_SLOT_BITS)

static struct {
    struct leg *legs;
    uint32_t *free_slots; /**< a stack: the slot used last is the next one, so that few pages are touched */
    uint32_t free_count, size, open, peak;
    pthread_mutex_t mutex;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_mutex_t caps_mutex = PTHREAD_MUTEX_INITIALIZER;

bool legs_start(uint32_t max_legs, char *error, size_t error_size)
{
    uint32_t size = max_legs ? max_legs : DEFAULT_LEGS;
    if (size > MOST_LEGS) {
        pj_ansi_snprintf(error, error_size, "%u legs: at most %u are possible", size, MOST_LEGS);
        return false;
    }
    /* Pages are given by the kernel when a slot is first used. */
    void *legs = mmap(NULL, size * sizeof(struct leg), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint32_t *free_slots = malloc(size * sizeof(*free_slots));
    if (legs == MAP_FAILED || !free_slots) {
        if (legs != MAP_FAILED)
            munmap(legs, size * sizeof(struct leg));
        free(free_slots);
        pj_ansi_snprintf(error, error_size, "no memory for %u legs", size);
        return false;
    }
    if (!dialogs_start(size) || !refers_start(size)) {
        munmap(legs, size * sizeof(struct leg));
        free(free_slots);
        dialogs_stop();
        refers_stop();
        pj_ansi_snprintf(error, error_size, "no memory for %u legs", size);
        return false;
    }
    table.legs = legs;
    table.free_slots = free_slots;
    table.size = table.free_count = size;
    table.open = table.peak = 0;
    for (uint32_t i = 0; i < size; i++)
        free_slots[i] = size - 1 - i;
    return true;
}

void legs_stop(void)
{
    dialogs_stop();
    refers_stop();
    pthread_mutex_lock(&table.mutex);
    if (table.legs)
        munmap(table.legs, table.size * sizeof(struct leg));
    free(table.free_slots);
    table.legs = NULL;
    table.free_slots = NULL;
    table.size = table.free_count = table.open = 0;
    pthread_mutex_unlock(&table.mutex);
}

void legs_count(uint32_t *open, uint32_t *peak, uint32_t *max)
{
    pthread_mutex_lock(&table.mutex);
    *open = table.open;
    *peak = table.peak;
    *max = table.size;
    pthread_mutex_unlock(&table.mutex);
}

static struct leg *slot_of(tel_leg_id id)
{
    uint32_t slot = tel_slot(id);
    return id != 0 && slot < table.size ? &table.legs[slot] : NULL;
}

struct leg *leg_open(uint64_t token, int family)
{
    pthread_mutex_lock(&table.mutex);
    if (table.free_count == 0) {
        pthread_mutex_unlock(&table.mutex);
        note_error("all %u legs are in use", table.size);
        return NULL;
    }
    uint32_t slot = table.free_slots[--table.free_count];
    if (++table.open > table.peak)
        table.peak = table.open;
    pthread_mutex_unlock(&table.mutex);

    struct leg *leg = &table.legs[slot];
    uint64_t generation = leg->generation + 1;
    memset(leg, 0, sizeof(*leg));
    leg->generation = generation;
    leg->caps.current = leg->wanted_codec = -1;
    leg->peer_sends = leg->peer_receives = true;
    memset(leg->local_pt, 0xff, sizeof(leg->local_pt));
    atomic_store(&leg->token, token);

    tel_leg_id id = slot | generation << TEL_SLOT_BITS;
    leg->family = family != 0 && config_media_address(family) ? family : sip.media_family;
    media_place place;
    if (!media_open(id, leg->family, &place)) {
        leg_discard(leg);
        atomic_fetch_add(&sip.no_rtp_port, 1);
        note_error(far_on() ? "no rtpengine node answers, or none has a call ready" : "no free RTP port");
        return NULL;
    }
    leg_set_place(leg, &place);
    pthread_mutex_lock(&table.mutex);
    atomic_store(&leg->id, id);
    pthread_mutex_unlock(&table.mutex);
    return leg;
}

void leg_attach(struct leg *leg, pjsip_inv_session *inv)
{
    pjsip_inv_add_ref(inv);
    pthread_mutex_lock(&table.mutex);
    leg->dialog = inv->dlg;
    leg->inv = inv;
    pthread_mutex_unlock(&table.mutex);
    text_copy(leg->call_id, sizeof(leg->call_id), &inv->dlg->call_id->id);
    pjsip_dlg_add_usage(inv->dlg, &leg_module, leg);
    dialogs_note(leg->id, inv->dlg);
}

void leg_discard(struct leg *leg)
{
    pthread_mutex_lock(&table.mutex);
    tel_leg_id id = atomic_exchange(&leg->id, 0);
    leg->dialog = NULL;
    leg->inv = NULL;
    explicit_bzero(leg->own_keys, sizeof(leg->own_keys));
    explicit_bzero(&leg->params.crypto, sizeof(leg->params.crypto));
    table.free_slots[table.free_count++] = (uint32_t)(leg - table.legs);
    table.open--;
    pthread_mutex_unlock(&table.mutex);
    if (id) {
        dialogs_forget(id);
        media_close(id);
    }
}

bool dialog_lock_if(pjsip_dialog *dialog, const _Atomic(uint64_t) *number, uint64_t wanted)
{
    /* A dialog that is over must not be locked by pjsip_dlg_inc_lock, which would end it once more. */
    pj_grp_lock_t *lock = dialog->grp_lock_;
    pj_grp_lock_acquire(lock);
    bool alive = atomic_load(number) == wanted;
    if (alive)
        pjsip_dlg_inc_lock(dialog);
    pj_grp_lock_release(lock);
    if (!alive)
        pj_grp_lock_dec_ref(lock);
    return alive;
}

struct leg *leg_acquire(tel_leg_id id)
{
    if (!thread_ready())
        return NULL;
    pthread_mutex_lock(&table.mutex);
    struct leg *leg = slot_of(id);
    pjsip_dialog *dialog = leg && atomic_load(&leg->id) == id ? leg->dialog : NULL;
    if (dialog)
        pj_grp_lock_add_ref(dialog->grp_lock_);
    pthread_mutex_unlock(&table.mutex);
    return dialog && dialog_lock_if(dialog, &leg->id, id) ? leg : NULL;
}

void leg_release(pjsip_dialog *dialog)
{
    pj_grp_lock_t *lock = dialog->grp_lock_;
    pjsip_dlg_dec_lock(dialog);
    pj_grp_lock_dec_ref(lock);
    worker_heed_timers();
}

struct leg *leg_of(pjsip_dialog *dialog)
{
    return dialog ? dialog->mod_data[leg_module.id] : NULL;
}

uint64_t leg_token(tel_leg_id id)
{
    struct leg *leg = slot_of(id);
    return leg && atomic_load(&leg->id) == id ? atomic_load(&leg->token) : 0;
}

tel_leg_id leg_first(tel_leg_id after)
{
    tel_leg_id found = 0;
    pthread_mutex_lock(&table.mutex);
    for (uint32_t slot = after ? tel_slot(after) + 1 : 0; slot < table.size && !found; slot++) {
        if (table.legs[slot].dialog)
            found = atomic_load(&table.legs[slot].id);
    }
    pthread_mutex_unlock(&table.mutex);
    return found;
}

bool leg_caps_of(tel_leg_id id, struct leg_caps *caps)
{
    struct leg *leg = slot_of(id);
    if (!leg)
        return false;
    pthread_mutex_lock(&caps_mutex);
    bool found = atomic_load(&leg->id) == id;
    if (found)
        *caps = leg->caps;
    pthread_mutex_unlock(&caps_mutex);
    return found;
}

void leg_set_caps(struct leg *leg, const struct leg_caps *caps)
{
    pthread_mutex_lock(&caps_mutex);
    leg->caps = *caps;
    pthread_mutex_unlock(&caps_mutex);
}

void leg_fed_with_music(tel_leg_id id, bool music)
{
    struct leg *leg = slot_of(id);
    if (leg && atomic_load(&leg->id) == id)
        atomic_store(&leg->fed_with_music, music);
}

size_t tel_call_id(tel_leg_id id, char *buffer, size_t size)
{
    struct leg *leg = leg_acquire(id);
    if (!leg || size == 0) {
        if (leg)
            leg_release(leg->dialog);
        return 0;
    }
    pj_str_t text = leg->dialog->call_id->id;
    text_copy(buffer, size, &text);
    leg_release(leg->dialog);
    return strlen(buffer);
}

void leg_schedule(struct leg *leg, pj_timer_entry *entry, pj_timer_heap_callback *callback, uint32_t delay_ms)
{
    pj_time_val delay = {0, (long)delay_ms};
    pj_time_val_normalize(&delay);
    leg_unschedule(entry);
    pj_timer_entry_init(entry, 0, (void *)(uintptr_t)atomic_load(&leg->id), callback);
    pjsip_endpt_schedule_timer_w_grp_lock(sip.endpoint, entry, &delay, 1, leg->dialog->grp_lock_);
}

void leg_unschedule(pj_timer_entry *entry)
{
    if (entry->cb)
        pjsip_endpt_cancel_timer(sip.endpoint, entry);
}

tel_leg_id leg_of_timer(const pj_timer_entry *entry)
{
    return (tel_leg_id)(uintptr_t)entry->user_data;
}

void leg_remember_dialog(struct leg *leg)
{
    pjsip_dialog *dialog = leg->dialog;
    dialogs_note(leg->id, dialog);
    text_copy(leg->local_tag, sizeof(leg->local_tag), &dialog->local.info->tag);
    text_copy(leg->remote_tag, sizeof(leg->remote_tag), &dialog->remote.info->tag);
    text_uri(leg->local_uri, sizeof(leg->local_uri), dialog->local.info->uri);
    text_uri(leg->remote_uri, sizeof(leg->remote_uri), dialog->remote.info->uri);
    text_uri(leg->target, sizeof(leg->target), dialog->target);
    size_t used = 0;
    for (pjsip_route_hdr *route = dialog->route_set.next; route != &dialog->route_set; route = route->next) {
        int length = pjsip_hdr_print_on(route, leg->route_set + used, sizeof(leg->route_set) - used - 2);
        if (length < 0)
            break;
        used += (size_t)length;
        leg->route_set[used++] = '\n';
    }
    leg->route_set[used] = 0;
}
