/* A command to the media thread, as posting.c queues it and commands.c carries it out. */
#ifndef TEL_MEDIA_COMMAND_H
#define TEL_MEDIA_COMMAND_H

#include <stdio.h>

#include "media_internal.h"

typedef enum command_kind {
    COMMAND_OPEN,
    COMMAND_CHANGE_FAMILY,
    COMMAND_SET,
    COMMAND_CLOSE,
    COMMAND_DIGITS,
    COMMAND_ROUTE,
    COMMAND_TONE,
    COMMAND_LIST,
    COMMAND_TONE_STOP,
    COMMAND_LISTEN,
    COMMAND_RECORD,
    COMMAND_MUTE,
    COMMAND_FAR,
    COMMAND_FIGURES,
    COMMAND_LOGGED_DIGIT,
    COMMAND_ENDED,
    COMMAND_STOP,
} command_kind;

typedef struct command {
    struct command *next;
    command_kind kind;
    tel_leg_id leg;
    union {
        struct {
            int rtp_fd, rtcp_fd;
            uint16_t port;
        } open; /* and MOVE */
        media_params params;
        struct {
            tel_tone tone;
            uint64_t token;
        } tone;
        struct {
            playlist *list;
            uint64_t token;
        } list;
        struct {
            uint64_t token;
            size_t count;
        } route;
        struct {
            uint32_t serial;
            bool done;
        } far;
        far_figures figures;
        uint8_t event;
        tel_event *ended;
        FILE *file;
        bool on;
    };
    tel_route_change changes[]; /* ROUTE; DIGITS: their characters; LIST: why it cannot be played */
} command;

/* All that have been posted, in order; whoever takes them frees them. */
command *commands_take(void);

/* A leg's sockets, and their ports for others. */
void media_close_sockets(int rtp_fd, int rtcp_fd, uint16_t port);

#endif
