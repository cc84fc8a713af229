/*
 * Finds the leg that a dialog's identifiers name (Replaces, Target-Dialog) without touching the dialog, which may be in
 * another thread's hands. A leaf mutex of its own guards the table.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../private/sip.h"

struct entry {
    tel_leg_id leg; /**< 0: free */
    uint32_t next;  /**< the next slot of the bucket, plus one */
    char call_id[128], local_tag[64], remote_tag[128];
};

static struct {
    struct entry *entries; /**< by the leg's slot */
    uint32_t *buckets;     /**< the first slot, plus one */
    uint32_t size;
    pthread_mutex_t mutex;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

bool dialogs_start(uint32_t slots)
{
    table.entries = calloc(slots, sizeof(*table.entries));
    table.buckets = calloc(slots, sizeof(*table.buckets));
    table.size = table.entries && table.buckets ? slots : 0;
    return table.size != 0;
}

void dialogs_stop(void)
{
    pthread_mutex_lock(&table.mutex);
    free(table.entries);
    free(table.buckets);
    table.entries = NULL;
    table.buckets = NULL;
    table.size = 0;
    pthread_mutex_unlock(&table.mutex);
}

static uint32_t *bucket_of(const char *call_id)
{
    return &table.buckets[pj_hash_calc(0, call_id, (unsigned)strlen(call_id)) % table.size];
}

static void remove_entry(uint32_t slot)
{
    uint32_t *link = bucket_of(table.entries[slot].call_id);
    while (*link && *link != slot + 1)
        link = &table.entries[*link - 1].next;
    if (*link)
        *link = table.entries[slot].next;
    table.entries[slot].leg = 0;
}

void dialogs_note(tel_leg_id leg, const pjsip_dialog *dialog)
{
    uint32_t slot = tel_slot(leg);
    pthread_mutex_lock(&table.mutex);
    if (slot < table.size) {
        struct entry *entry = &table.entries[slot];
        if (entry->leg)
            remove_entry(slot);
        bool whole = text_copy(entry->call_id, sizeof(entry->call_id), &dialog->call_id->id);
        whole = text_copy(entry->local_tag, sizeof(entry->local_tag), &dialog->local.info->tag) && whole;
        whole = text_copy(entry->remote_tag, sizeof(entry->remote_tag), &dialog->remote.info->tag) && whole;
        if (whole) {
            uint32_t *bucket = bucket_of(entry->call_id);
            entry->leg = leg;
            entry->next = *bucket;
            *bucket = slot + 1;
        }
    }
    pthread_mutex_unlock(&table.mutex);
}

void dialogs_forget(tel_leg_id leg)
{
    uint32_t slot = tel_slot(leg);
    pthread_mutex_lock(&table.mutex);
    if (slot < table.size && table.entries[slot].leg == leg)
        remove_entry(slot);
    pthread_mutex_unlock(&table.mutex);
}

tel_leg_id dialogs_find(const pj_str_t *call_id, const pj_str_t *local_tag, const pj_str_t *remote_tag)
{
    char name[sizeof(table.entries->call_id)];
    tel_leg_id found = 0;
    if (!text_copy(name, sizeof(name), call_id))
        return 0;
    pthread_mutex_lock(&table.mutex);
    for (uint32_t at = table.size ? *bucket_of(name) : 0; at && !found; at = table.entries[at - 1].next) {
        const struct entry *entry = &table.entries[at - 1];
        if (pj_strcmp2(call_id, entry->call_id) == 0 && pj_strcmp2(local_tag, entry->local_tag) == 0 &&
            pj_strcmp2(remote_tag, entry->remote_tag) == 0)
            found = entry->leg;
    }
    pthread_mutex_unlock(&table.mutex);
    return found;
}
