/*
 * Claim, beat, expire, complete, fail and cancel of one job, with fencing: as the statements of
 * src/store/statements do it, at READ COMMITTED. Checked by `npm run formal`; what it found stands in
 * docs/decisions/0015.
 *
 * A statement takes its snapshot; then it locks rows and looks at them again as they are now; then it
 * commits. Between these steps everything else may happen. A worker may stand still between any two of
 * its steps for as long as it likes, which is how a paused one wakes when its lease has gone.
 *
 * Time: a session is `fresh` until its lease runs out, which may happen at any moment, LAPSES times in
 * all. A beat makes it fresh again, unless it has ended. A process may die once its session is not fresh
 * (or its death makes it so).
 *
 *   -DBROKEN         an outcome does not ask for its lease token
 *   -DBROKEN_SETTLE  a caretaker settles a session where the row it has locked is closed, and not where
 *                    its own snapshot shows it closed (as Daybook did until this was found)
 */
#ifndef LAPSES
#define LAPSES 1
#endif
#ifndef FAILURES
#define FAILURES 1
#endif
#define WORKERS 2
#ifndef CARETAKERS
#define CARETAKERS 2
#endif
#define SESSIONS (WORKERS + LAPSES)
#define NONE 255

mtype = { waiting, running, completed, cancelled };

/* The claim row. */
mtype status = waiting;
byte holder = NONE; /* session */
byte token = 0;
byte version = 1;
bool cancel_requested = false;
bool job_locked = false;

/* Sessions: FOR KEY SHARE is counted, FOR UPDATE is `locked`. */
bool opened[SESSIONS];
bool fresh[SESSIONS];
bool ended[SESSIONS];
bool closing[SESSIONS];
bool settled[SESSIONS];
bool session_locked[SESSIONS];
byte shares[SESSIONS];
byte next_session = 0;

byte tokens = 0;
byte lapses = LAPSES;
byte failures = FAILURES;

/* Kept beside the system, to prove it by: the claim that is open, and the last one that ended. */
byte open_claim = 0;
byte last_ended = 0;

#define has_ended (status == completed || status == cancelled)
#define is_lapsed(s) (opened[s] && !settled[s] && (ended[s] || !fresh[s]))

/* One claim is open at a time, and its token never was before. */
inline claim_begins(t) {
  assert(open_claim == 0 && t > last_ended);
  open_claim = t
}

/* Whoever ends a claim holds the one that is open: `t` is the token it was given. */
inline claim_ends(t) {
  assert(open_claim == t);
  last_ended = t;
  open_claim = 0
}

/* A claim that ends without completing leaves the job waiting, or grants the wish to cancel it. */
inline leave_waiting() {
  status = (cancel_requested -> cancelled : waiting);
  holder = NONE;
  token = 0;
  version++
}

proctype Worker() {
  byte s = NONE; /* its session */
  byte mine = 0; /* the token that it was given */
  bool taken = false;
  byte seen = 0;

  do
  :: atomic { has_ended && mine == 0 -> break }

  /* open-session */
  :: atomic {
       !has_ended && mine == 0 && (s == NONE || ended[s]) && next_session < SESSIONS ->
       s = next_session;
       next_session++;
       opened[s] = true;
       fresh[s] = true
     }

  /* beat-session: FOR NO KEY UPDATE, which waits for caretakers only */
  :: atomic { s != NONE && !fresh[s] && !ended[s] && !session_locked[s] -> fresh[s] = true }

  /* claim-jobs: the snapshot. The lease is compared with the time at which the statement begins. */
  :: atomic { mine == 0 && s != NONE && fresh[s] && !ended[s] && status == waiting -> skip };
     /* the session FOR KEY SHARE, looked at again; the job FOR UPDATE SKIP LOCKED, looked at again */
     atomic {
       !session_locked[s] ->
       shares[s]++;
       taken = !ended[s] && !job_locked && status == waiting;
       job_locked = job_locked || taken
     };
     /* commit */
     atomic {
       if
       :: taken ->
          tokens++;
          claim_begins(tokens);
          status = running;
          holder = s;
          token = tokens;
          version++;
          mine = tokens;
          job_locked = false;
          taken = false
       :: else -> skip
       fi;
       shares[s]--
     }

  /* list-held-claims: what the session holds, because the answer to a claim was lost */
  :: atomic { mine == 0 && s != NONE && status == running && holder == s -> mine = token }

  /* complete-jobs: waits for the row; held open for as long as the handler's own transaction is */
  :: atomic { mine != 0 && !job_locked -> job_locked = true };
     atomic {
       if
#ifdef BROKEN
       :: status == running ->
#else
       :: status == running && token == mine ->
#endif
          claim_ends(mine);
          status = completed;
          holder = NONE;
          token = 0;
          version++
       :: else -> skip /* lease-lost: nothing has changed */
       fi;
       job_locked = false;
       mine = 0
     }

  /* commit-decisions, of a failure: decided on what was read, kept if that has not changed since */
  :: atomic { mine != 0 && failures > 0 && token == mine -> seen = version };
     atomic {
       !job_locked ->
       if
       :: version == seen ->
          claim_ends(mine);
          leave_waiting();
          failures--;
          mine = 0
       :: else -> skip /* it goes round again */
       fi;
       seen = 0
     }

  /* the process dies, with what it knows; or it has heard that its session is lost, and starts anew */
  :: atomic {
       s != NONE && mine != 0 && next_session < SESSIONS && (!fresh[s] || lapses > 0) ->
       lapses = (fresh[s] -> lapses - 1 : lapses);
       fresh[s] = false;
       s = NONE;
       mine = 0
     }
  od
}

/* Leases run out. */
proctype Time() {
  do
  :: atomic { has_ended || lapses == 0 -> break }
  :: atomic { lapses > 0 && opened[0] && fresh[0] && !ended[0] -> fresh[0] = false; lapses-- }
  :: atomic { lapses > 0 && opened[1] && fresh[1] && !ended[1] -> fresh[1] = false; lapses-- }
  od
}

/* expire-claims, of one session at a time */
proctype Caretaker() {
  byte s = 0;
  bool sees_claim = false, sees_closing = false, has_lock = false, taken = false;

  do
  :: atomic { has_ended -> break }
  :: atomic {
       /* the snapshot */
       if
       :: is_lapsed(0) -> s = 0
       :: is_lapsed(1) -> s = 1
#if SESSIONS > 2
       :: is_lapsed(2) -> s = 2
#endif
#if SESSIONS > 3
       :: is_lapsed(3) -> s = 3
#endif
       fi;
       sees_claim = (status == running && holder == s);
       sees_closing = closing[s]
     };
     /* session and job FOR UPDATE SKIP LOCKED, looked at again */
     atomic {
       has_lock = shares[s] == 0 && !session_locked[s] && is_lapsed(s);
       session_locked[s] = session_locked[s] || has_lock;
       taken = has_lock && sees_claim && !job_locked && status == running && holder == s;
       job_locked = job_locked || taken
     };
     /* commit */
     atomic {
       if
       :: taken ->
          claim_ends(token);
          leave_waiting();
          job_locked = false
       :: else -> skip
       fi;
       if
       :: has_lock ->
#ifdef BROKEN_SETTLE
          settled[s] = closing[s] && (taken || !sees_claim);
#else
          settled[s] = sees_closing && (taken || !sees_claim);
#endif
          ended[s] = true;
          closing[s] = true;
          session_locked[s] = false
       :: else -> skip
       fi;
       s = 0; sees_claim = false; sees_closing = false; has_lock = false; taken = false
     }
  od
}

/* Somebody asks to cancel, once: decided on what was read, kept if that has not changed since. */
proctype Canceller() {
  byte seen = 0;

  do
  :: atomic { has_ended -> break }
  :: atomic { else -> seen = version };
     atomic {
       has_ended || !job_locked ->
       if
       :: version == seen && status == waiting -> status = cancelled; version++; break
       :: version == seen && status == running -> cancel_requested = true; version++; break
       :: else -> skip
       fi
     }
  od
}

proctype Auditor() {
  do
  /* the row and the claim that is open say the same */
  :: atomic { status == running && (holder == NONE || token != open_claim) -> assert(false) }
  :: atomic { status != running && open_claim != 0 -> assert(false) }
  /* a wish to cancel is not forgotten */
  :: atomic { status == waiting && cancel_requested -> assert(false) }
  /* where nothing can happen any more, the job has ended */
  :: atomic { timeout -> assert(has_ended); break }
  od
}

init {
  byte n;
  atomic {
    for (n : 1 .. WORKERS) { run Worker() }
    for (n : 1 .. CARETAKERS) { run Caretaker() }
    run Time();
#ifdef CANCEL
    run Canceller();
#endif
    run Auditor()
  }
}
