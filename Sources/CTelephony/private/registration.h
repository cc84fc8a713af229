/* Being registered with servers: one registration (sip/register.c), and all of them (sip/registrations.c). */
#ifndef TEL_REGISTRATION_H
#define TEL_REGISTRATION_H

#include "sip.h"

#define MOST_SERVERS 8
#define SERVER_URI_SIZE 256

/** What is asked for stays as it is; all else, but for what the mutex guards, belongs to the thread that runs SIP. */
struct registration {
    char servers[MOST_SERVERS][SERVER_URI_SIZE];
    char hosts[MOST_SERVERS][128]; /**< of the servers */
    size_t server_count;
    char user[64], password[128], realm[128];
    char address[SERVER_URI_SIZE]; /**< address of record; empty: the user at the server */
    uint32_t expires_s;

    /* Guarded by the mutex. */
    bool used;    /**< the slot */
    bool wanted;  /**< else it is on its way out */
    size_t place; /**< among those wanted */
    size_t current; /**< server */
    tel_registration_state state;
    int status;
    int64_t until_us; /**< registered, or quiet, until then */

    bool fresh; /**< nothing has been sent yet */
    pjsip_regc *client;
    pj_timer_entry timer;
    size_t failed; /**< servers that have failed one after the other */
    uint32_t pause_s;
    atomic_bool leaving; /**< has said goodbye and waits for the answer */
    bool left;           /**< which has come */
};

/* register.c */
/** Asks the present server, now. */
void registration_try(struct registration *r);
/** Whether the answer to a request of it is still to come. */
bool registration_is_busy(const struct registration *r);
/** Where there is a server to say it to. */
bool registration_say_goodbye(struct registration *r);
/** Forgets whatever it has begun, without a word. */
void registration_drop(struct registration *r);

/* registrations.c */
void registrations_lock(void);
void registrations_unlock(void);
/** An answer has come: what was waiting for it may go on. */
void registrations_answered(const struct registration *r);
void registrations_count_leaving(int change);

#endif
