/*
 * What the files of rtpengine/ share. All of it is guarded by far_lock, which is never held while anything is waited for.
 */
#ifndef TEL_RTPENGINE_H
#define TEL_RTPENGINE_H

#include <pthread.h>

#include "far.h"
#include "media_internal.h"

#define FAR_MAX_NODES 16
#define NG_MAX_REQUEST 2048
#define NG_MAX_REPLY 16384
/* The tags of a call's two sides. */
#define FAR_INNER "warmline"
#define FAR_OUTER "peer"

extern pthread_mutex_t far_lock;

/* ---------------------------------------------------------------- bencode.c */

/* A dictionary being written; what does not fit sets `full`. */
typedef struct ben_writer {
    char *data;
    size_t size, room;
    bool full;
} ben_writer;

void ben_begin(ben_writer *w, char *data, size_t room);
void ben_text(ben_writer *w, const char *key, const char *value);
void ben_number(ben_writer *w, const char *key, long long value);
/* A list of one or two strings. */
void ben_list(ben_writer *w, const char *key, const char *first, const char *second);
/* False: it did not fit. */
bool ben_end(ben_writer *w);

/* A piece of received bencode; `size` 0: there is none. */
typedef struct ben_value {
    const char *data;
    size_t size;
} ben_value;

/* The value of a key in a dictionary. */
ben_value ben_get(ben_value dictionary, const char *key);
/* The nth element of a list. */
ben_value ben_at(ben_value list, unsigned index);
/* A string's bytes; of size 0 where it is none. */
ben_value ben_string(ben_value value);
/* A number, 0 where it is none. */
long long ben_integer(ben_value value);

/* ---------------------------------------------------------------- ng.c: requests and what becomes of them */

struct node;

/* `reply` is a dictionary, of size 0 when none has come. */
typedef void (*ng_done)(void *context, ben_value reply);

/* Sends `dictionary` until it is answered or given up; `done` is called once, never from here. */
void ng_send(struct node *node, const ben_writer *dictionary, ng_done done, void *context);
/* A datagram from the node. */
void ng_receive(struct node *node, const char *data, size_t size);
/* What is due is sent once more, or given up. Milliseconds until that is next. */
int ng_tick(int64_t now);
/* Nothing of this node's will come any more. */
void ng_give_up(struct node *node);
/* All are forgotten, without a word. */
void ng_clear(void);
/* Whether the reply says that it has been done. */
bool ng_is_ok(ben_value reply);

/* ---------------------------------------------------------------- nodes.c: who is there */

typedef struct far_call far_call;

typedef struct node {
    char name[80]; /* as in the configuration */
    int fd;
    bool up, doubtful; /* doubtful: a request waits for its answer longer than it should */
    bool hears_digits; /* its log of digits comes here */
    bool pinging, seen; /* seen: whether it is there has been told before */
    bool announce; /* something has happened, and nobody has been told */
    uint32_t lost, adopted; /* legs whose media went with it, or has come to it from another, since the last time */
    bool probed;
    int64_t pinged_us, probe_due_us, resume_us;
    far_call *ready, **ready_end; /* made ahead, the oldest first */
    uint32_t ready_count, making, legs;
    far_call *probe;
    const char *refused_file; /* that could not be played */
    bool told_of_digits;
    char note[512]; /* to be told once */
} node;

extern node far_nodes[FAR_MAX_NODES];
extern int far_node_count;

/* A datagram socket bound to "udp:HOST:PORT", or connected with it; -1 and errno. */
int far_open_socket(const char *text, bool local);

bool nodes_start(const tel_config *config, char *error, size_t error_size);
void nodes_stop(void);
/* Sockets that are to be read from: one a node, the log of digits. */
void nodes_read(int fd);
void nodes_tick(int64_t now);
/* It does not answer any more. */
void node_lost(node *n);
/* Tells what has happened; without the lock. */
void nodes_announce(void);

/* ---------------------------------------------------------------- logged.c: digits, by the nodes' log */

bool logged_start(const char *address, char *error, size_t error_size);
void logged_stop(void);
int logged_fd(void);
void logged_read(void);
/* Has a call of ours carry a digit, to see whether the node's log comes here. */
void logged_probe(node *n);
void logged_send_probe(const media_address *to);

/* ---------------------------------------------------------------- calls.c: the tables, and what is to be done next */

/* What a node encrypts with, should a suite be agreed on; tag 0: it has not offered that suite. */
typedef struct far_key {
    unsigned tag;
    uint8_t key[MEDIA_KEY];
} far_key;

typedef enum far_step {
    STEP_NONE,
    STEP_MAKE_OFFER,
    STEP_MAKE_ANSWER,
    STEP_STOP,
    STEP_OFFER,
    STEP_ANSWER,
    STEP_BLOCK,
    STEP_PLAY,
    STEP_QUERY,
    STEP_END,
} far_step;

struct far_call {
    far_call *next; /* among the ready ones, or those that have changed */
    far_call *next_numbered;
    uint64_t number;
    tel_leg_id leg; /* 0: not given to any */
    node *node;
    int64_t made_us, joined_us, polled_us;
    int64_t lost_us;
    uint32_t moves; /* calls that the leg has lost before */
    media_address outer, inner;
    bool has_changed, busy, ending, lost, probing;
    far_step step; /* what is being asked for, when busy */
    far_key own[MEDIA_SUITES];

    /* What is wanted. */
    uint16_t own_port;
    bool logs; /* digits are to be kept back: the node's log tells of them */
    media_address peer;
    uint32_t exchange;
    int format_count; /* 0: nothing is agreed on yet */
    media_format formats[MEDIA_MAX_FORMATS];
    bool peer_is_silent; /* it is not to send, or does not mean to */
    media_crypto crypto; /* between the node and the peer */
    far_mode mode;
    media_address towards; /* FAR_JOINED: the inner side of the other's call */
    tel_leg_id other;
    bool wants_figures;
    const char *file;
    uint32_t serial, wanted; /* of the mode; of the descriptions */

    /* What there is. */
    uint32_t told_serial, asked, granted;
    bool blocked; /* digits are not forwarded, but logged */
    const char *playing;

    struct far_ending *report; /* its leg's end, to be told with the last figures */
};

/* `keys`: peers may be spoken with by SRTP. */
bool calls_start(uint32_t legs, bool keys);
/* Asks for all to be ended, without waiting, and forgets them. */
void calls_stop(void);
/* Of a leg; NULL: it has none. */
far_call *call_of(tel_leg_id leg);
/* Of the slot's leg, whichever that is. */
far_call *call_at(uint32_t slot);
uint32_t call_slots(void);
bool calls_have_keys(void);
/* By what the node calls it; NULL: none of ours. */
far_call *call_named(const char *name, size_t size);
/* What the node calls it. */
void call_name(const far_call *c, char *name, size_t size);
/* A leg gets the node's oldest ready one, in the place of the one that it had. */
far_call *call_give(node *n, tel_leg_id leg, uint16_t own_port);
/* Its leg is over, or has another. */
void call_let_go(far_call *c);
/* Something else is wanted of it: the thread that speaks with nodes looks at it. */
void call_change(far_call *c);
/* What was wanted last is in force, or will not be. */
void call_tell(far_call *c, bool done);
void call_forget(far_call *c);
/* Makes one more for the node's reserve. */
void call_make(node *n);
/* One that is not for a leg: its RTP comes to this port of ours. */
void call_probe(node *n, uint16_t port);
void call_end(far_call *c);
void call_end_oldest(node *n);
/* Asks for what is to be asked for next. */
void call_advance(far_call *c);
/* The node does not know it, or has given it other ports: it has been started anew, or has thrown the call away. */
void call_lost(far_call *c);
/* The node is gone: so are its calls. Returns how many were legs'. */
uint32_t calls_lost(node *n);
/* Does what has been wanted since. */
void calls_advance(void);

/* ---------------------------------------------------------------- asking.c: requests about a call, and their answers */

/* One of the two descriptions; a node keeps its ports all through (`port latching`). */
void ask_sdp(far_call *c, bool outer, far_step step);
void ask_simply(far_call *c, const char *command, far_step step);
void ask_query(const far_call *c, ng_done done, void *context);

/* ---------------------------------------------------------------- figures.c: what nodes count */

/* Asks for the figures of legs that are joined, each once in an interval. */
void figures_tick(int64_t now, int64_t interval_us);
void figures_take(far_call *c, ben_value reply);
/* Its leg's end, where that waits, is told: with the node's last figures, where these have come. */
void figures_end(far_call *c, ben_value reply);
/* Tells of the legs' ends that are to be told. */
void figures_announce(void);
void figures_clear(void);

/* ---------------------------------------------------------------- legs.c: what is wanted for legs */

/* A node in turn that has a call ready; rather one that is not in doubt. */
node *node_in_turn(void);
/* Where the peer of its leg is to send. */
void call_place(const far_call *c, media_place *place);

/* ---------------------------------------------------------------- moving.c: legs whose node is gone */

/* Has some of them move to another; without the lock. */
void moving_tick(int64_t now);

/* ---------------------------------------------------------------- description.c: the session descriptions */

typedef struct far_sdp {
    media_address address;
    const media_address *control; /* where RTCP is to go, when not to the port above */
    const media_format *formats;
    int format_count;
    bool outer; /* with the numbers that the peer has given the formats */
    const char *direction;
    unsigned tag; /* of the peer's key; 0: no SRTP */
    const media_crypto *crypto;
} far_sdp;

size_t far_write_sdp(char *buffer, size_t size, const far_sdp *sdp);
/* The address that an SDP names. */
bool far_read_sdp(ben_value sdp, media_address *address);
/* The keys that it offers; false: one of the suites is not among them. */
bool far_read_keys(ben_value sdp, far_key keys[MEDIA_SUITES]);

/* ---------------------------------------------------------------- far.c: the thread */

void far_wake(void);

#endif
