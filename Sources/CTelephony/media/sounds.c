/*
 * Sound files by name: read and encoded once. Announcements are looked up, and read where they are new, by a thread of
 * their own, so that neither the caller of tel_play_files nor the media thread waits for a disk.
 */
#include <pjlib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../private/media_internal.h"
#include "../private/sip.h"

#define MAX_SOUNDS 1000 /* what a file was before it changed is kept too */
#define MAX_MUSIC 256
#define MAX_FILES 100 /* of one announcement */
#define ERROR_SIZE 512

typedef struct sound {
    struct sound *next;
    bool loops;
    off_t size;
    struct timespec changed;
    uint32_t music; /* its number among the music; 0: none */
    clip *clip;
    char path[];
} sound;

typedef struct request {
    struct request *next;
    tel_leg_id leg;
    uint64_t token;
    size_t count;
    char *paths[];
} request;

/* One at a time reads files; held while it does. */
static pthread_mutex_t sounds_lock = PTHREAD_MUTEX_INITIALIZER;
static sound *sounds;
static uint32_t sound_count, music_count;
static _Atomic(const clip *) music_clips[MAX_MUSIC];
static _Atomic(const char *) music_paths[MAX_MUSIC]; /* the first is the configuration's own */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t posted = PTHREAD_COND_INITIALIZER;
static request *first, **end = &first;
static bool open, reading, stopping;
static pthread_t reader;

/* ---------------------------------------------------------------- files */

static sound *known(const char *path, bool loops, const struct stat *file)
{
    for (sound *s = sounds; s != NULL; s = s->next)
        if (s->loops == loops && s->size == file->st_size && s->changed.tv_sec == file->st_mtim.tv_sec &&
            s->changed.tv_nsec == file->st_mtim.tv_nsec && strcmp(s->path, path) == 0)
            return s;
    return NULL;
}

/* With sounds_lock held. */
static sound *find(const char *path, bool loops, char *error, size_t error_size)
{
    struct stat file;
    memset(&file, 0, sizeof(file));
    stat(path, &file); /* of one that is not there wav_create says so */
    sound *s = known(path, loops, &file);
    if (s != NULL)
        return s;
    if (sound_count == MAX_SOUNDS) {
        snprintf(error, error_size, "sound file \"%s\": there are %d already", path, MAX_SOUNDS);
        return NULL;
    }
    clip *c = wav_create(path, loops, error, error_size);
    if (c == NULL)
        return NULL;
    s = calloc(1, sizeof(*s) + strlen(path) + 1);
    if (s == NULL) {
        snprintf(error, error_size, "sound file \"%s\": no memory", path);
        return NULL;
    }
    s->loops = loops;
    s->size = file.st_size;
    s->changed = file.st_mtim;
    s->clip = c;
    strcpy(s->path, path);
    s->next = sounds;
    sounds = s;
    sound_count++;
    return s;
}

uint32_t tel_sound(const char *path, char *error, size_t error_size)
{
    if (!thread_ready()) {
        snprintf(error, error_size, "sound file \"%s\": nothing is running", path);
        return 0;
    }
    pthread_mutex_lock(&sounds_lock);
    sound *s = find(path, true, error, error_size);
    uint32_t number = 0;
    if (s != NULL && s->music == 0 && music_count + 1 < MAX_MUSIC) {
        s->music = ++music_count;
        atomic_store(&music_paths[s->music], s->path);
        atomic_store(&music_clips[s->music], s->clip);
    }
    if (s != NULL && s->music == 0)
        snprintf(error, error_size, "sound file \"%s\": there are %d pieces of music already", path, MAX_MUSIC - 1);
    else if (s != NULL)
        number = s->music;
    pthread_mutex_unlock(&sounds_lock);
    return number;
}

const clip *sound_music(uint32_t number)
{
    return number < MAX_MUSIC ? atomic_load(&music_clips[number]) : NULL;
}

const char *sound_path(uint32_t number)
{
    return number < MAX_MUSIC ? atomic_load(&music_paths[number]) : NULL;
}

/* ---------------------------------------------------------------- announcements */

static void request_free(request *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->paths[i]);
    free(r);
}

static void serve(const request *r)
{
    char error[ERROR_SIZE] = "no memory";
    playlist *list = calloc(1, sizeof(*list) + r->count * sizeof(list->clips[0]));
    pthread_mutex_lock(&sounds_lock);
    for (size_t i = 0; i < r->count && list != NULL; i++) {
        const sound *s = find(r->paths[i], false, error, sizeof(error));
        if (s != NULL) {
            list->clips[list->count++] = s->clip;
        } else {
            free(list);
            list = NULL;
        }
    }
    pthread_mutex_unlock(&sounds_lock);
    commands_post_list(r->leg, list, r->token, error);
}

static void *read_files(void *argument)
{
    (void)argument;
    pj_thread_desc descriptor;
    pj_thread_t *self;
    memset(descriptor, 0, sizeof(descriptor));
    pj_thread_register("sounds", descriptor, &self);
    pthread_mutex_lock(&lock);
    while (!stopping) {
        request *r = first;
        if (r == NULL) {
            pthread_cond_wait(&posted, &lock);
            continue;
        }
        first = r->next;
        if (first == NULL)
            end = &first;
        pthread_mutex_unlock(&lock);
        serve(r);
        request_free(r);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static tel_result post(request *r)
{
    pthread_mutex_lock(&lock);
    tel_result result = open ? TEL_OK : TEL_ERR_STATE;
    if (result == TEL_OK && !reading) {
        reading = pthread_create(&reader, NULL, read_files, NULL) == 0;
        result = reading ? TEL_OK : TEL_ERR_SYSTEM;
    }
    if (result == TEL_OK) {
        *end = r;
        end = &r->next;
        pthread_cond_signal(&posted);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

tel_result tel_play_files(tel_leg_id leg, const char *const *paths, size_t count, uint64_t token)
{
    if (count == 0 || count > MAX_FILES)
        return TEL_ERR_INVALID;
    request *r = calloc(1, sizeof(*r) + count * sizeof(r->paths[0]));
    if (r == NULL)
        return TEL_ERR_FULL;
    r->leg = leg;
    r->token = token;
    bool complete = true;
    for (; r->count < count && complete; r->count++) {
        r->paths[r->count] = strdup(paths[r->count]);
        complete = r->paths[r->count] != NULL;
    }
    tel_result result = complete ? post(r) : TEL_ERR_FULL;
    if (result != TEL_OK)
        request_free(r);
    return result;
}

/* ---------------------------------------------------------------- start and stop */

void sounds_start(const tel_config *config)
{
    if (config->music_file != NULL)
        atomic_store(&music_paths[0], strdup(config->music_file));
    pthread_mutex_lock(&lock);
    open = true;
    reading = stopping = false;
    pthread_mutex_unlock(&lock);
}

void sounds_stop(void)
{
    pthread_mutex_lock(&lock);
    open = false;
    stopping = true;
    bool join = reading;
    reading = false;
    pthread_cond_signal(&posted);
    pthread_mutex_unlock(&lock);
    if (join)
        pthread_join(reader, NULL);
    while (first != NULL) {
        request *r = first;
        first = r->next;
        request_free(r);
    }
    end = &first;
    while (sounds != NULL) {
        sound *s = sounds;
        sounds = s->next;
        free(s);
    }
    sound_count = music_count = 0;
    free((void *)atomic_load(&music_paths[0]));
    for (int i = 0; i < MAX_MUSIC; i++) {
        atomic_store(&music_clips[i], NULL);
        atomic_store(&music_paths[i], NULL);
    }
}
