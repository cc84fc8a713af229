/*
 * What the files of the media side share. All of it belongs to the media thread but the command queue, the port table
 * and the counters (one writer, many readers).
 */
#ifndef TEL_MEDIA_INTERNAL_H
#define TEL_MEDIA_INTERNAL_H

#include <stdatomic.h>
#include <stdio.h>

#include "far.h"
#include "media.h"

#define MEDIA_FRAME_MS 20 /* of clips; what is relayed keeps its own */
#define MEDIA_FRAME_US (MEDIA_FRAME_MS * 1000)
#define MEDIA_FRAMES_PER_SECOND (1000 / MEDIA_FRAME_MS)
#define MEDIA_MAX_PACKET 2048
#define MEDIA_MAX_DIGITS 64
#define RTP_HEADER 12
#define MEDIA_SRTP_TRAILER 256 /* what SRTP may add to a packet */
/* RFC 3550 §A.1: beyond these a jump of the sequence number is a new source, not loss or reordering. */
#define RTP_MAX_DROPOUT 3000
#define RTP_MAX_MISORDER 100

/* What is mixed or transcoded is PCM of this rate. */
#define MEDIA_WIDE_RATE 16000
#define MEDIA_WIDE_FRAME (MEDIA_WIDE_RATE / MEDIA_FRAMES_PER_SECOND)
#define MEDIA_MAX_SAMPLES (MEDIA_WIDE_RATE * 120 / 1000) /* 120 ms, the longest opus packet */
#define MEDIA_MAX_PAYLOAD 512                            /* of a frame that we encode */

struct clip;
struct ear;

/* A counter with one writer, the media thread; read by any. */
typedef _Atomic uint64_t counter;

static inline void count(counter *c, uint64_t by)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline uint64_t counted(const counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

/* ---------------------------------------------------------------- a leg */

/* What a leg sends at one clock rate. RFC 7160 §4.1: each clock rate has an SSRC of its own. */
typedef struct out_stream {
    bool started;
    uint16_t seq; /* the next packet's */
    uint32_t ssrc;
    uint32_t ts;   /* of the last packet sent */
    uint32_t step; /* timestamp units from one packet to the next, as last seen */
    int64_t sent_us;
    uint32_t packets, octets; /* for the sender reports */
} out_stream;

/* What the last packet sent on a leg came from: while it stays the same, timestamps follow the source's own. */
typedef enum feed_kind { FEED_NONE, FEED_RELAY, FEED_TRANSCODED, FEED_PLAYED, FEED_DIGITS } feed_kind;
typedef struct feed {
    feed_kind kind;
    uint16_t seq_offset;  /* FEED_RELAY: out = in + offset */
    uint16_t seq_highest; /* FEED_RELAY, FEED_TRANSCODED: of the input */
    uint16_t seq_floor;   /* input packets before it belong to another offset */
    uint32_t ts_offset;
    uint32_t ssrc;
    tel_leg_id leg;
    const void *played; /* FEED_PLAYED: the clip or mix */
    const out_stream *stream;
} feed;

typedef struct rtp_packet {
    uint8_t *data;
    size_t size;
    const uint8_t *payload;
    size_t payload_size;
    uint8_t payload_type;
    bool marker;
    uint16_t seq;
    uint32_t ts, ssrc;
} rtp_packet;

/* RFC 3550 §A.1, §A.8. */
typedef struct reception {
    bool started;
    bool paused; /* what has come meanwhile was not for us: nothing of it is lost */
    uint16_t seq_highest;
    uint32_t ssrc;
    uint32_t extended_base;
    uint32_t extended_highest;
    uint64_t received; /* of this SSRC */
    uint64_t lost_before;
    uint32_t transit;
    uint32_t jitter; /* timestamp units, times 16 */
    uint32_t clock_rate;
    uint64_t reported_expected, reported_received; /* at our last report */
    uint32_t last_sr;                              /* middle of the NTP time of the peer's last sender report */
    int64_t last_sr_us;
} reception;

/* The last RFC 4733 event received. */
typedef struct digit_in {
    bool seen, ended;
    uint8_t event;
    uint16_t duration;
    uint32_t ts;
    uint32_t ssrc;
} digit_in;

/* RFC 4733 events to be sent, and where in the first of them we are. */
typedef struct digit_out {
    uint8_t count;
    uint8_t phase; /* ticks since the digit's beginning */
    uint8_t first;
    uint8_t events[MEDIA_MAX_DIGITS];
    uint32_t ts;
} digit_out;

typedef union media_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} media_address;

/* Where the peer's packets are to come from. */
typedef struct latch {
    media_address described;  /* by the SDP */
    media_address signalling; /* family 0: not known */
    media_address former;     /* where they came from before the SDP named another address */
    bool locked;              /* to remote_rtp */
    uint8_t rank;             /* of who it is locked to, or of the candidate */
    uint8_t count;            /* of the candidate's packets in a row */
    media_address candidate;
    uint32_t ssrc;
    uint16_t seq;
    int64_t heard_us; /* the locked source */
} latch;

/* How the stream of the leg that this one is joined with at nodes arrives at its peer, by the peer's reports. */
typedef struct far_reports {
    uint32_t own_ssrc; /* of what its own peer sends, as that says by RTCP; 0: not yet */
    uint32_t ssrc;     /* that was reported on last */
    bool again;        /* it is joined anew: what lies between does not count */
    uint32_t from;     /* losses that have been reported before */
    uint64_t lost, before; /* of the present SSRC, and of all before */
    uint64_t near_lost;    /* of what it is sent from here */
    uint32_t last_sr;  /* middle of the NTP time of the last sender report passed on to it */
    int64_t last_sr_us;
} far_reports;

/*
 * The media of one leg, in one array by slot. A slot belongs to the newest id that a command has named; `closed` once
 * that leg is gone, so that what is said of it later is ignored.
 */
typedef struct media_leg {
    tel_leg_id id;
    bool open; /* has sockets */
    bool closed;
    bool may_send, expect_rtp, muted, timed_out;
    bool encrypted; /* nothing is sent or taken but SRTP */
    struct secure_context *secure;
    bool music_told;
    bool far;        /* its peer is reached by way of an rtpengine node */
    bool far_active; /* the node does what is wanted of it: nothing is sent from here */
    bool far_refused, far_touched;
    uint32_t home;     /* the number of its call at the node */
    far_mode far_mode; /* what is wanted */
    uint32_t far_serial;
    tel_leg_id far_other;
    const char *far_file;
    far_reports far_reports;
    bool rtcp_mux;
    tel_source source;
    int rtp_fd, rtcp_fd;
    uint16_t port;
    uint16_t format_count;
    media_format formats[MEDIA_MAX_FORMATS];
    /* Taken, but not sent: what has been agreed on before, until the peer sends what is now; what we have offered. */
    media_format former[MEDIA_CODECS], offered;
    uint16_t former_count;
    media_address remote_rtp, remote_rtcp;
    socklen_t remote_size; /* 0: not known yet */
    int64_t heard_us;      /* the last RTP or RTCP */
    uint32_t exchange;
    latch latch;

    tel_leg_id from;        /* TEL_SOURCE_LEG */
    uint32_t first_listener; /* slot + 1 of the legs that are sent what this one sends us */
    uint32_t next_listener, previous_listener;
    bool linked;

    feed feed;
    out_stream streams[2]; /* 8000 Hz, 48000 Hz */

    uint32_t tick_index; /* place in the list of legs that need the tick, + 1 */
    uint32_t clip_frame;
    const struct clip *music; /* TEL_SOURCE_MUSIC */
    uint32_t sound;           /* its number */
    const struct clip *tone;
    struct playlist *playlist; /* what follows the tone */
    uint32_t tone_frame;
    uint64_t tone_token;
    digit_out digits;

    reception reception;
    digit_in digit_in;
    struct ear *ear;
    struct voice *voice;           /* while it is in a mix */
    struct mix *mix;               /* TEL_SOURCE_MIX */
    struct transcoder *transcoder; /* of what it is sent */

    atomic_bool has_digits;
    counter packets_received, packets_sent, bytes_received, bytes_sent, packets_dropped, packets_lost, digits_dropped;
    counter packets_transcoded;
    counter far_received, far_bytes_received, far_sent, far_bytes_sent; /* as the node counts them */
    counter far_lost; /* while joined at nodes, on the way to the other's peer */
    counter jitter_us;
    /* What the peer's reports say of what it is sent, and how long there and back takes; 0: nothing yet. */
    counter peer_lost, peer_jitter_us, round_trip_us;
} media_leg;

/* Clips to be played one after another; owned by the leg once they are. */
typedef struct playlist {
    uint32_t count, next;
    uint32_t patience; /* ticks to wait for a clip that is being encoded */
    const struct clip *clips[];
} playlist;

typedef struct media_totals {
    counter received, sent, dropped, digits_dropped;
} media_totals;
extern media_totals media_total;

static inline bool leg_can_send(const media_leg *leg)
{
    return leg->may_send && !leg->far_active && !leg->muted && leg->remote_size != 0 && leg->format_count != 0;
}

/* ---------------------------------------------------------------- media.c: thread and slots */

/* The leg's slot, taken over from an earlier leg if need be; NULL when the leg is gone. */
media_leg *media_leg_of(tel_leg_id id);
media_leg *media_leg_at(uint32_t slot);
/* One more than the highest slot used so far. */
uint32_t media_leg_limit(void);
/* Watches a leg's new sockets. */
void media_watch(media_leg *leg);
/* Microseconds of CLOCK_MONOTONIC. */
int64_t media_clock(void);

/* ---------------------------------------------------------------- posting.c, commands.c: from any thread to the media thread */

void commands_start(int wake_fd);
/* Carries out what has been posted; false when the last of it was to stop. */
bool commands_run(int64_t now);
bool commands_post_stop(void);
/* Plays a list on a leg, or, where `list` is NULL, reports that it cannot be played; takes the list over. */
void commands_post_list(tel_leg_id leg, playlist *list, uint64_t token, const char *reason);
/* From the thread that speaks with nodes: what far_want has asked for is in force, or has failed; figures; a digit. */
void commands_post_far(tel_leg_id leg, uint32_t serial, bool done);
void commands_post_figures(tel_leg_id leg, const far_figures *figures);
void commands_post_digit(tel_leg_id leg, uint8_t event);
/* Tells an event, which is then freed, after what has been posted before has been carried out. */
void commands_post_end(tel_event *event);
/* Puts what a node has counted in the place of what has been counted here: what passes the node alone is not seen here. */
void media_add_figures(tel_leg_stats *stats, const far_figures *figures);
/* Drops a leg's state, sockets included; its tone is reported as ended. */
void leg_close(media_leg *leg);

/* ---------------------------------------------------------------- ports.c */

tel_result ports_start(const tel_config *config, char *error, size_t error_size);
void ports_stop(void);
/* Binds an RTP/RTCP pair of a family that there is an address of; the RTP port, or 0. Any thread. */
uint16_t ports_take(int family, int *rtp_fd, int *rtcp_fd);
/* The sockets have been closed. */
void ports_give_back(uint16_t port);
/* The first address they are bound to, without a port. */
void ports_address(media_address *address);

/* ---------------------------------------------------------------- stream.c: what a leg sends */

out_stream *stream_of(media_leg *leg, uint32_t clock_rate);
/* The timestamp with which another source goes on: later by what time has passed since the last packet. */
uint32_t stream_resume(const out_stream *stream, uint32_t clock_rate, int64_t now);
/* Writes the RTP header but for its first byte (version, padding, extension, CSRC count). */
void stream_header(uint8_t *packet, uint8_t payload_type, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc);
void stream_send(media_leg *leg, out_stream *stream, const uint8_t *packet, size_t size);

/* ---------------------------------------------------------------- route.c, relay.c: who hears whom */

void route_set(const tel_route_change *change);
/* The leg goes: nobody is sent what it sends any more. */
void route_forget(media_leg *leg);
void relay_receive(media_leg *leg, uint8_t *packet, size_t size, const media_address *from, int64_t now);
/* Counts a packet of the leg's that goes nowhere. */
void relay_drop(media_leg *leg);

/* ---------------------------------------------------------------- latch.c: symmetric RTP */

/* An offer has been answered: where the peer says it is, and where its signalling comes from. */
void latch_describe(media_leg *leg, const media_address *described, const media_address *signalling);
/* Whether a packet is the peer's; may change where the leg is sent to. */
bool latch_admits(media_leg *leg, const media_address *from, const rtp_packet *packet, int64_t now);
/* Whether RTCP may come from there. */
bool latch_knows(const media_leg *leg, const media_address *from);

/* ---------------------------------------------------------------- play.c: clips, tones and digits by the tick */

tel_result play_start(const tel_config *config, uint32_t legs, char *error, size_t error_size);
void play_stop(void);
/* Puts the leg into the list of those that need the tick, or leaves it there. */
void play_wake(media_leg *leg);
void play_sleep(media_leg *leg);
/* One tick of 20 ms for every leg in the list. `between` is called after each batch of packets. */
void play_tick(int64_t now, void (*between)(void));
void play_tone(media_leg *leg, tel_tone tone, uint64_t token);
void play_list(media_leg *leg, playlist *list, uint64_t token);
/* Sends 20 ms in the leg's codec; `what` says from where, so that its timestamps go on. */
void play_payload(media_leg *leg, const void *what, const uint8_t *payload, size_t size, int64_t now);
/* Ends the tone or list that is being played, if any, and reports it. */
void play_tone_end(media_leg *leg);

/* ---------------------------------------------------------------- digits_rtp.c: RFC 4733 */

/* A telephone-event packet from the peer. */
void digits_receive(media_leg *leg, const uint8_t *payload, size_t size, uint32_t ts, uint32_t ssrc);
void digits_queue(media_leg *leg, const char *digits);
/* An event that the leg's peer has sent, and its node has kept to itself. */
void digits_logged(media_leg *leg, uint8_t event);
/* Sends what is due of the queued digits; false when there are none any more. */
bool digits_tick(media_leg *leg, int64_t now);

/* ---------------------------------------------------------------- secure.c: SRTP */

typedef struct secure_context secure_context;

bool secure_start(char *error, size_t error_size);
/* Takes the keys agreed on; those that have not changed go on where they are. */
void secure_set(media_leg *leg, const media_crypto *crypto);
void secure_close(media_leg *leg);
/*
 * In place, for a leg that is `encrypted`; false: it cannot be sent, or is not what the peer has sent. Packets begin at
 * an address divisible by 4; for sealing there is room for MEDIA_SRTP_TRAILER bytes behind them.
 */
bool secure_seal(media_leg *leg, uint8_t *packet, size_t *size);
bool secure_open(media_leg *leg, uint8_t *packet, size_t *size);
bool secure_seal_control(media_leg *leg, uint8_t *packet, size_t *size);
bool secure_open_control(media_leg *leg, uint8_t *packet, size_t *size);

/* ---------------------------------------------------------------- offload.c: what is left to rtpengine nodes */

bool offload_start(uint32_t legs);
void offload_stop(void);
/* Something has changed that decides on it: it is looked at once the present commands or tick are through. */
void offload_touch(media_leg *leg);
void offload_review(void);
/* What was wanted is in force, or has failed. */
void offload_done(media_leg *leg, uint32_t serial, bool done);
void offload_figures(media_leg *leg, const far_figures *figures, int64_t now);
/* An RTCP report of a joined leg's peer: it is taken, and sent on to the other's. */
void offload_report(media_leg *leg, const uint8_t *packet, size_t size, int64_t now);

/* ---------------------------------------------------------------- rtcp.c */

/* Whether it can be RTCP: version 2 and a report (RFC 3550 §A.2), which on one port tells it from RTP (RFC 5761 §4). */
bool rtcp_is(const uint8_t *packet, size_t size);
void rtcp_receive(media_leg *leg, const uint8_t *packet, size_t size, const media_address *from, int64_t now);
/* RFC 3550 §6.4.1: the nth report block, NULL where there is none; the middle of the NTP time of a sender report, else 0. */
const uint8_t *rtcp_block(const uint8_t *packet, size_t size, unsigned n);
uint32_t rtcp_sent_at(const uint8_t *packet, size_t size);
uint32_t rtcp_word(const uint8_t *at);
/* One tick: some of the legs, all of them in turn: reports, and peers that have gone silent. */
void rtcp_tick(int64_t now, int64_t timeout_us);

/* ---------------------------------------------------------------- codecs.c: over pjmedia */

typedef struct coder coder;

tel_result codecs_start(const tel_config *config, char *error, size_t error_size);
void codecs_stop(void);
bool codecs_configured(media_codec codec);
/* G.711: no state, next to no time. */
bool codec_is_table(media_codec codec);
/* The rate of the PCM that is encoded. */
uint32_t codec_pcm_rate(media_codec codec);
/* `rate` of the PCM: codec_pcm_rate or MEDIA_WIDE_RATE. */
coder *coder_open_encoder(media_codec codec, uint32_t rate);
/* `rate` of the PCM: 8000 or MEDIA_WIDE_RATE. */
coder *coder_open_decoder(media_codec codec, uint32_t rate);
/* One frame of 20 ms; bytes written. */
size_t coder_encode(coder *c, const int16_t *pcm, uint8_t *out, size_t out_size);
/* Samples written. */
size_t coder_decode(coder *c, const uint8_t *payload, size_t size, int16_t *out, size_t out_samples);
void coder_close(coder *c);

/* ---------------------------------------------------------------- resample.c: 8 to 16 kHz and back */

#define HALFBAND_TAPS 8

typedef struct halfband {
    int16_t past[4 * HALFBAND_TAPS];
} halfband;

void resample_start(void);
/* `out` takes twice as many; at most MEDIA_MAX_SAMPLES in. */
void resample_up(halfband *h, const int16_t *in, size_t samples, int16_t *out);
/* `out` takes half as many; `samples` is even. */
void resample_down(halfband *h, const int16_t *in, size_t samples, int16_t *out);

/* ---------------------------------------------------------------- voice.c, mix.c: several voices on one leg */

typedef struct voice voice;
typedef struct mix mix;

/* The leg is to be mixed into one leg more, or fewer. */
void voice_use(media_leg *leg);
void voice_drop(media_leg *leg);
void voice_close(media_leg *leg);
void voice_packet(media_leg *leg, const media_format *format, const rtp_packet *packet);
/* MEDIA_WIDE_FRAME samples, the same ones all through a tick; NULL: silence. */
const int16_t *voice_frame(media_leg *leg, uint32_t tick);

void mix_set(media_leg *leg, const tel_leg_id *voices);
bool mix_is(const media_leg *leg, const tel_leg_id *voices);
void mix_close(media_leg *leg);
/* `silent`: something else is being played to the leg. */
void mix_tick(media_leg *leg, uint32_t tick, bool silent, int64_t now);

/* ---------------------------------------------------------------- transcode.c: legs without a common codec */

typedef struct transcoder transcoder;

void transcode(media_leg *to, media_leg *from, const media_format *in, const rtp_packet *packet, int64_t now);
void transcode_close(media_leg *leg);

/* ---------------------------------------------------------------- clips.c, tones.c, melody.c, wav.c: what is played */

/*
 * PCM at a rate: `out` is to be filled with `samples` samples of the clip from its beginning. Any thread, as long as
 * there are clips: `what` must last as long.
 */
typedef void (*pcm_source)(const void *what, uint32_t rate, int16_t *out, size_t samples);

/* Sound encoded once for each codec in use, in frames of 20 ms. All clips last until clips_stop. */
typedef struct clip clip;
void clips_start(void);
void clips_stop(void);
clip *clip_create(uint32_t frames, bool loops, pcm_source source, const void *what);
/* A leg has agreed on a codec: from shortly after on clips have it too. */
void clips_need(media_codec codec);
uint32_t clip_frames(const clip *c);
/* NULL: not encoded (yet). */
const uint8_t *clip_frame(const clip *c, media_codec codec, uint32_t frame, size_t *size);

/* Amplitude of a sine of so many dBm0 (G.711: 3.14 dBm0 is full scale, about what A-law and µ-law share). */
double tone_amplitude(double dbm0);
clip *tone_create(tel_tone tone);
clip *tone_create_ringback(void);
clip *tone_create_continuous(uint32_t hz);
clip *melody_create(void);
void wav_start(void);
void wav_stop(void);
/* Any thread. */
clip *wav_create(const char *path, bool loops, char *error, size_t error_size);

/* ---------------------------------------------------------------- sounds.c: files by name */

void sounds_start(const tel_config *config);
/* Joins the thread that reads files; clips and files last until clips_stop and wav_stop. */
void sounds_stop(void);
/* The clip of a tel_sound; NULL: there is none of that number. */
const clip *sound_music(uint32_t sound);
/* Its file; of 0 the configuration's; NULL: none, the melody is built in. Lasts until sounds_stop. */
const char *sound_path(uint32_t sound);

/* ---------------------------------------------------------------- ear.c, detect.c, record.c: for test phones */

void ear_listen(media_leg *leg, bool on);
/* `file` has been opened for writing; NULL stops. */
void ear_record(media_leg *leg, FILE *file, int64_t now);
void ear_packet(media_leg *leg, media_codec codec, const uint8_t *payload, size_t size, bool marker, uint8_t pt,
                uint32_t ssrc, int64_t now);
/* Once a tick for legs with ears: notices that nothing comes any more. */
void ear_tick(int64_t now);
void ear_close(media_leg *leg);

#define SILENCE_DBM0 (-55) /* below it nothing is heard */
typedef struct detector detector;
detector *detector_create(void);
void detector_free(detector *d);
/* Forgets what it heard: from silence on. */
void detector_reset(detector *d);
/* Takes 8 kHz samples; true when what is heard has changed. */
bool detector_feed(detector *d, const int16_t *pcm, size_t samples, int32_t *hz, int32_t *level_db);

typedef struct recording recording;
recording *recording_create(FILE *file, int64_t now);
void recording_write(recording *r, const int16_t *pcm, size_t samples, int64_t now);
void recording_close(recording *r);

#endif
