/*
 * Two sequencers at once over an inbox that transactions write, hold open and roll back: the statement of
 * src/store/statements/sequence-inbox.ts. Checked by `npm run formal`; what it found stands in
 * docs/decisions/0015.
 *
 * Proven: no committed event is lost, none is moved twice, positions have no hole, and each stream stands
 * in the log in the order of its versions.
 *
 * A writer gets a transaction id, then draws numbers, then commits or is rolled back; everything else
 * may happen in between. A stream has one writer at a time (it locks the claim row): the next version is
 * drawn only after the transaction of the one before has ended. A sequencer takes its snapshot; it locks
 * the head, compares the tick and gets an id of its own; it commits, or loses its connection.
 *
 * Ids are compared in one way only: a missing number is forgotten once no transaction is in progress
 * whose id is below its fence. So a fence stands here for the writers that it waits for: with the
 * sequencer's own id, all that had theirs when it drew its own. (Sequencers draw no numbers.)
 *
 *   -DBROKEN         numbers that were not visible are not remembered: a low-water mark, as every reader
 *                    by `number > cursor` has
 *   -DBROKEN_FENCE   the fence is pg_snapshot_xmax, one past the last id that was completed
 *   -DBROKEN_TICK    a sequencer goes by the head it has read, and does not lock it
 */
#ifndef WRITERS
#define WRITERS 3
#endif
#ifndef EXTRA
#define EXTRA 1 /* numbers that writers draw beyond one each */
#endif
#ifndef STREAMS
#define STREAMS 2
#endif
#define SEQUENCERS 2
#define NUMBERS (WRITERS + EXTRA)
#define WINDOW 2

#define bit(n) (1 << (n))
#define has(set, n) (((set) >> (n)) & 1)

/* Numbers are 0 to NUMBERS - 1, and sets of them bits. */
byte next_number = 0;
byte visible = 0;   /* committed, and not in the log */
byte moved = 0;     /* in the log */
byte committed = 0; /* kept beside the system: what must come into the log */
byte stream_of[NUMBERS];
byte version_of[NUMBERS];
byte extra = EXTRA;

/* Writers by the order in which they got their ids. */
byte ids = 0;
byte in_progress = 0; /* writers, as bits */
byte id_of[WRITERS];
byte writing = WRITERS;
/* Of the highest id completed: twice that of a writer; of a sequencer, one more than the writer below. */
byte completed = 0;

byte version[STREAMS];
bool stream_locked[STREAMS];
byte last_version[STREAMS]; /* in the log */

/* The head row. */
byte tick = 0;
byte position = 0;
byte highest = 0;    /* numbers below it were looked at */
byte missing = 0;    /* those among them that were not visible, */
byte fence[NUMBERS]; /* and the writers that each waits for */
bool head_locked = false;
byte log_length = 0; /* kept beside the system */

#define can_move ((visible & missing) != 0 || (visible >> highest) != 0)

inline draw(s) {
  drawn_of_stream++;
  stream_of[next_number] = s;
  version_of[next_number] = version[s] + drawn_of_stream;
  drawn = drawn | bit(next_number);
  next_number++
}

proctype Writer(byte me; byte s) {
  byte drawn = 0;
  byte drawn_of_stream = 0;

  /* The id may come long before the numbers, with a lock that is taken first. */
  atomic {
    ids++;
    id_of[me] = ids;
    in_progress = in_progress | bit(me)
  };
  atomic { !stream_locked[s] -> stream_locked[s] = true; draw(s) };
  if
  :: atomic { extra > 0 -> extra--; draw(s) }
  :: true
  fi;
  atomic {
    if
    :: /* commit */
       visible = visible | drawn;
       committed = committed | drawn;
       version[s] = version[s] + drawn_of_stream
    :: /* roll back: its numbers never come */
       skip
    fi;
    stream_locked[s] = false;
    in_progress = in_progress & ~bit(me);
    completed = (2 * id_of[me] > completed -> 2 * id_of[me] : completed);
    drawn = 0;
    drawn_of_stream = 0;
    writing--
  }
}

/* An event enters the log. */
inline move(n) {
  assert(!has(moved, n));
  assert(version_of[n] == last_version[stream_of[n]] + 1);
  last_version[stream_of[n]] = version_of[n];
  moved = moved | bit(n);
  visible = visible & ~bit(n)
}

/* Moves what the snapshot shows: late numbers, and a window of new ones, in their order. */
inline move_batch() {
  next = seen_highest;
  do
  :: next < NUMBERS && !has(seen, next) -> next++
  :: else -> break
  od;
  n = 0;
  do
  :: n < NUMBERS ->
     if
     :: has(seen, n) && (has(seen_missing, n) || (n >= next && n < next + WINDOW)) ->
        move(n);
        taken = taken | bit(n);
        count++;
        highest = (n + 1 > highest -> n + 1 : highest)
     :: else
     fi;
     n++
  :: else -> break
  od
}

/* What is missing now. Forgotten is what the snapshot shows nobody to wait for. */
inline note_missing() {
  n = 0;
  missing = 0;
  do
  :: n < NUMBERS ->
     if
     :: has(seen_missing, n) && !has(taken, n) && (fence[n] & seen_progress) != 0 ->
        missing = missing | bit(n)
     :: n >= seen_highest && n < highest && !has(taken, n) ->
        missing = missing | bit(n);
        fence[n] = waits
     :: else -> fence[n] = 0
     fi;
     n++
  :: else -> break
  od;
#ifdef BROKEN
  missing = 0
#endif
}

/* For whom the fence waits. */
inline draw_id() {
  own = ids;
  waits = in_progress;
#ifdef BROKEN_FENCE
  waits = 0;
  n = 0;
  do
  :: n < WRITERS ->
     if
     :: has(seen_progress, n) && 2 * id_of[n] < seen_completed -> waits = waits | bit(n)
     :: else
     fi;
     n++
  :: else -> break
  od;
  n = 0
#endif
}

inline forget() {
  seen = 0; seen_tick = 0; seen_position = 0; seen_highest = 0; seen_missing = 0;
  seen_progress = 0; seen_completed = 0;
  own = 0; waits = 0; taken = 0; next = 0; n = 0; count = 0; has_lock = false
}

proctype Sequencer() {
  byte known = 0; /* the tick that its last answer named */
  byte seen, seen_tick, seen_position, seen_highest, seen_missing, seen_progress, seen_completed;
  byte own, waits, taken, next, n, count;
  bool has_lock = false;

  do
  :: atomic { writing == 0 && !can_move && missing == 0 -> break }
  :: atomic {
       can_move || missing != 0 ->
       /* the snapshot */
       seen = visible;
       seen_tick = tick;
       seen_position = position;
       seen_highest = highest;
       seen_missing = missing;
       seen_progress = in_progress;
       seen_completed = completed
     };
#ifdef BROKEN_TICK
     atomic { has_lock = true; draw_id() };
#else
     atomic {
       /* the head FOR UPDATE, where the snapshot shows the tick that is known; looked at again */
       seen_tick != known || !head_locked ->
       has_lock = (seen_tick == known && tick == known);
       if
       :: has_lock -> head_locked = true; draw_id()
       :: else -> known = seen_tick; forget()
       fi
     };
#endif
     if
     :: !has_lock
     :: atomic {
          has_lock ->
          /* commit */
          assert(seen_position == log_length);
          move_batch();
          note_missing();
          position = seen_position + count;
          log_length = log_length + count;
          tick = (count > 0 || missing != seen_missing -> tick + 1 : tick);
          known = tick;
          head_locked = false;
          completed = (2 * own + 1 > completed -> 2 * own + 1 : completed);
          forget()
        }
     :: atomic {
          has_lock ->
          /* the connection is lost */
          head_locked = false;
          known = seen_tick;
          forget()
        }
     fi
  od
}

init {
  byte n;
  atomic {
    for (n : 0 .. WRITERS - 1) { run Writer(n, n % STREAMS) }
    for (n : 1 .. SEQUENCERS) { run Sequencer() };
    n = 0
  }
  atomic {
    timeout ->
    assert(writing == 0);
    assert(moved == committed) /* nothing is lost */
  }
}
