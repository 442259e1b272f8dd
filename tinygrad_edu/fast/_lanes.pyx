# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The executor of plans in C; `machine.py` chooses it, and says what it needs to know of a plan."""

import os
from _thread import start_new_thread
from array import array

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer
from cpython.pythread cimport (
    NOWAIT_LOCK, WAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock,
    PyThread_get_thread_ident, PyThread_release_lock, PyThread_type_lock)
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from .c_lanes import fingerprint

cdef extern from "_run.h":
    ctypedef struct Columns:
        int count, first, step
        const int *places
    ctypedef struct Step:
        int kind, op, members, terms, length, out, is_flat, is_quiet
        Columns other
        Columns inputs "in"
        double start
        int weight, row, column, in_place
        const int *pairs
        const int *slopes
        const double *constants
        double *sums
        int has_minus_zero
    ctypedef struct Block:
        long rows, padded, stride
        double *table
        double *room
        void **pointers
    ctypedef struct Runner:
        pass
    ctypedef struct Argument:
        const double *start "from"
        long row, width
    ctypedef struct Place:
        double *table
        double *room
        void **pointers
    ctypedef struct Share:
        double *sums
        const int *where
        int rows, members, wide, is_straight
    ctypedef struct Work:
        const Runner *runner
        Step *steps
        int forward, backward
        int parts
        const int *outer
        long *turn
        int arguments
        Argument *argument
        int fills
        const int *filled
        const int *fillings
        int results, late, loss
        const int *result
        double *answers
        int seed_column
        double seed
        double *uniform
        const double *parameters
        long rows, block, blocks, stride
        int goes_on
        long next
        int finished
        Place *places
        int is_careful, is_doubtful, is_stopped
        int (*interrupted)() noexcept nogil
        long patience
    const Runner *RUNNERS[3][2]
    const char *RUNNER_NAMES[]
    enum: RUNNER_COUNT, FINGERPRINT
    int runs_here(int) nogil
    double *new_table(long) nogil
    void work(Work *, int) noexcept nogil
    void wait_for(const Work *, int) nogil
    double sum_of(const double *, long) nogil
    int are_finite(const double *, long) nogil
    int share_is_finite(const Share *) nogil
    int run_alone(const Runner *, const Step *, const Block *) nogil
    int begin(const Share *, const double *) nogil
    void deliver(const Share *, double *, int) nogil
    enum: BRIEF, SHORT, LONG, APPLY, ROWS

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept

if fingerprint() != <unsigned int>FINGERPRINT:
    raise ImportError("the compiled executor was made from other rules: pip install it again")

cdef long forks = 0                     # how many processes lie between the first one and this one


def count_fork():
    global forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=count_fork)

INSTRUCTION_SETS = {RUNNER_NAMES[i].decode(): i for i in range(RUNNER_COUNT) if runs_here(i)}


cdef int interrupted() noexcept nogil:
    with gil:
        return PyErr_CheckSignals() != 0


cdef int raise_what_is_set() except -1:
    return -1


cdef const int *ints(object array, list kept) except? NULL:
    """The numbers of an array, which is kept as long as the list."""
    cdef const int[::1] view = array
    kept.append(array)
    return &view[0] if len(array) else NULL


cdef const double *floats(object array, list kept) except? NULL:
    cdef const double[::1] view = array
    kept.append(array)
    return &view[0] if len(array) else NULL


cdef void *new(long count, size_t size) except NULL:
    cdef void *made = calloc(count + 1, size)
    if made == NULL:
        raise MemoryError
    return made


cdef PyThread_type_lock new_lock() except NULL:
    cdef PyThread_type_lock made = PyThread_allocate_lock()
    if made == NULL:
        raise MemoryError
    return made


cdef class Executor:
    """A plan that C runs; see `machine.Machine`, which makes it.

    layout      where the numbers of the plan lie
    steps       its steps, the last of which add up gradients of parameters
    bounds      where these begin and end, in a part for each thread
    arguments   (how many numbers a row has, their shape or None if they come otherwise than as an array) of each
    array       the parameters, `shared`: `array.data` their numbers, `array.grad` their gradients; when other arrays
                take the place of these, the executor follows
    places      where in them those of the plan lie
    cost        how many products a row takes, about
    """

    cdef Work work
    cdef Share *shares
    cdef Py_buffer *views
    cdef PyThread_type_lock lock
    cdef long owner, owner_forks        # which thread runs it, and in which process
    cdef int count, viewed, helpers, joined
    cdef long runs
    cdef readonly str instruction_set
    cdef readonly int threads, outputs
    cdef readonly long block, columns
    cdef long room, allocated, allocated_losses
    cdef double cost
    cdef double *losses
    cdef const double *start
    cdef double *grad
    cdef const int[::1] gathered, sources
    cdef list kept
    cdef bint is_watched                # is there a step that raises no flag?
    cdef list arguments, flat
    cdef readonly object array, places
    cdef object data, grad_kept, array_type

    def __cinit__(self, layout, list steps, bounds, list arguments, array, places, str instruction_set, bint fast,
                  long block, double cost):
        cdef Work *w = &self.work
        self.lock, self.kept, self.array = new_lock(), [], array
        self.places, self.outputs = places, len(layout.results)
        self.instruction_set, self.threads, self.block = instruction_set, len(bounds) - 1, block
        self.cost, self.columns, self.room = cost, layout.columns, layout.room
        w.runner, w.interrupted = RUNNERS[INSTRUCTION_SETS[instruction_set]][fast], &interrupted
        self.follow()
        w.places = <Place*>new(self.threads, sizeof(Place))
        w.outer, w.parts = ints(bounds, self.kept), self.threads
        w.turn = <long*>new(self.threads, sizeof(long))
        self.take_arguments(arguments)
        self.take_steps(steps)
        self.take_layout(layout)

    cdef int follow(self) except -1:
        """Read and add where the parameters lie now."""
        cdef const double[::1] data
        cdef double[::1] grad
        if self.array.data is not self.data:
            self.data, self.grad_kept = self.array.data, self.array.grad
            data, grad = self.data, self.grad_kept
            self.array_type = type(self.data)
            self.work.parameters = &data[0] if len(self.data) else NULL
            self.grad = &grad[0] if len(self.data) else NULL
        return 0

    cdef take_arguments(self, list arguments):
        self.views = <Py_buffer*>new(len(arguments), sizeof(Py_buffer))
        self.work.argument = <Argument*>new(len(arguments), sizeof(Argument))
        self.arguments, self.flat = arguments, [(width, (width,)) for width in [sum(width for width, _ in arguments)]]

    cdef take_layout(self, layout):
        cdef Work *w = &self.work
        w.forward = len(layout.forward)
        w.backward = w.forward + len(layout.backward)
        w.uniform = <double*>floats(layout.numbers, self.kept)
        self.gathered, self.sources = layout.gathered
        w.filled, w.fillings = ints(layout.filled[0], self.kept), ints(layout.filled[1], self.kept)
        w.fills = len(layout.filled[0])
        w.result, w.results, w.late = ints(layout.results, self.kept), len(layout.results), layout.is_late
        w.loss = layout.loss
        w.seed_column = layout.seed if layout.backward or layout.outer or layout.is_late else -1

    cdef take_steps(self, list steps):
        cdef int i
        self.count = len(steps)
        self.work.steps = <Step*>new(self.count, sizeof(Step))
        self.shares = <Share*>new(self.count, sizeof(Share))
        for i, step in enumerate(steps):
            self.take_step(&self.work.steps[i], &self.shares[i], step)
        longest = max([step["terms"] for step in steps if "slopes" in step], default=1)
        for i in range(self.threads):
            self.work.places[i].pointers = <void**>new(2 * longest, sizeof(void*))

    cdef take_step(self, Step *s, Share *share, dict step):
        s.kind, s.op, s.members, s.terms = step["kind"], step.get("op", 0), step["members"], step.get("terms", 1)
        s.length, s.out, s.is_flat = step.get("length", 0), step.get("out", 0), step.get("is_flat", False)
        s.is_quiet = step.get("is_quiet", False)
        self.is_watched |= s.is_quiet
        s.start, s.weight = step.get("start", 0.0), step.get("weight", 0)
        s.row, s.column, s.in_place = step.get("row", 0), step.get("column", 0), step.get("in_place", False)
        self.take_columns(&s.inputs, step.get("in"))
        self.take_columns(&s.other, step.get("other"))
        if "pairs" in step:
            s.pairs = ints(step["pairs"], self.kept)
        if "slopes" in step:
            s.slopes, s.constants = ints(step["slopes"], self.kept), floats(step["constants"], self.kept)
        if "where" in step:
            share.where, share.members, share.wide = ints(step["where"], self.kept), step["members"], step["wide"]
            share.rows, share.is_straight = len(step["where"]) // share.members, step["is_straight"]
            s.sums = new_table(share.wide * <long>share.rows)
            if s.sums == NULL:
                raise MemoryError
            share.sums = s.sums

    cdef take_columns(self, Columns *c, columns):
        if columns is not None:
            c.count, c.first, c.step = columns["count"], columns.get("first", 0), columns.get("step", 1)
            if "places" in columns:
                c.places = ints(columns["places"], self.kept)

    def __dealloc__(self):
        cdef int i
        for i in range(self.count if self.work.steps else 0):
            free(self.work.steps[i].sums)
        for i in range(self.threads if self.work.places else 0):
            free(self.work.places[i].table)
            free(self.work.places[i].pointers)
        for pointer in (<size_t>self.work.steps, <size_t>self.shares, <size_t>self.work.places, <size_t>self.views,
                        <size_t>self.work.argument, <size_t>self.work.turn, <size_t>self.losses):
            free(<void*><size_t>pointer)
        if self.lock:
            PyThread_free_lock(self.lock)

    @property
    def is_careful(self):
        """Is each step asked for its flags, since they once said nothing?"""
        return bool(self.work.is_careful)

    # ---- running it

    def results(self, tuple batch, empty, bint is_flat=False):
        """What is wanted of each row, as an array of a row for each output.

        batch       an array of float64 for each argument, of the shape that is known
        empty       makes an array of a shape
        is_flat     is it one array instead, with all numbers of each row?

        None if the batch is another one, or if the engine might answer otherwise.
        """
        cdef double[:, ::1] answers
        self.enter()
        try:
            if not self.take(batch, is_flat):
                return None
            answers = made = empty((self.work.results, self.work.rows))
            self.work.answers, self.work.seed = &answers[0, 0], 1.0
            if not self.run_well() or (self.work.late and not are_finite(&answers[0, 0], answers.size)):
                return None
            return made
        finally:
            self.leave()

    def backward(self, tuple batch, bint mean, bint is_flat=False):
        """The sum or the mean of the output, whose gradients are added to those of the parameters; None as above."""
        cdef double loss
        cdef int i
        self.enter()
        try:
            if not self.take(batch, is_flat):
                return None
            self.work.answers, self.work.seed = self.losses, 1.0 / self.work.rows if mean else 1.0
            if not self.run_well():
                return None
            loss = sum_of(self.losses, self.work.rows)
            if not are_finite(&loss, 1):
                return None
            for i in range(self.work.backward, self.count):
                if not share_is_finite(&self.shares[i]):
                    return None
            self.hand_over()
            return loss / self.work.rows if mean else loss
        finally:
            self.leave()

    cdef hand_over(self):
        """Add the sums to the gradients of the parameters, but not to those that are frozen now."""
        cdef double[::1] gradients
        cdef int i
        self.follow()                           # another thread may have moved them meanwhile
        if self.array.has_frozen:
            found = self.grad_kept.copy()
            found.fill(0.0)                     # some parameters have no sum
            gradients = found
            for i in range(self.work.backward, self.count):
                deliver(&self.shares[i], &gradients[0], False)
            self.array.add_to_grad(found[self.places], self.places)
            return
        for i in range(self.work.backward, self.count):
            deliver(&self.shares[i], self.grad, True)

    def run_on(self, rows, double[:, ::1] answers, double[::1] gradients, double seed):
        """Fill in the outputs of rows, and gradients, whose sums go on from what is there.

        True if the engine would answer the same, unless a number is not finite.
        """
        cdef int i
        self.enter()
        try:
            if not self.take((rows,), True):
                raise ValueError("rows must be one array of float64, with all numbers of each")
            self.work.answers, self.work.seed, self.start = &answers[0, 0], seed, &gradients[0]
            is_clean = self.run_well()
            for i in range(self.work.backward, self.count):
                deliver(&self.shares[i], &gradients[0], False)
            return is_clean
        finally:
            self.leave()

    cdef int enter(self) except -1:
        """One batch at a time: another thread waits."""
        cdef long me = PyThread_get_thread_ident()
        if not PyThread_acquire_lock(self.lock, NOWAIT_LOCK):
            if self.owner == me:
                raise RuntimeError("this program is running in this thread, and was interrupted: it cannot run anew")
            if self.owner_forks != forks:       # whoever ran it is not in this process
                self.lock = new_lock()
            with nogil:
                PyThread_acquire_lock(self.lock, WAIT_LOCK)
        self.owner, self.owner_forks, self.viewed, self.start = me, forks, 0, NULL
        return 0

    cdef void leave(self) noexcept:
        for k in range(self.viewed):
            PyBuffer_Release(&self.views[k])
        self.owner = 0
        PyThread_release_lock(self.lock)

    cdef bint take(self, tuple batch, bint is_flat) except -1:
        """Are these arrays that can be read where they lie, with equally many rows?"""
        cdef Work *w = &self.work
        cdef Py_buffer *view
        cdef list arguments = self.flat if is_flat else self.arguments
        cdef int k
        self.follow()
        w.arguments = len(arguments)
        if len(batch) != w.arguments:
            return False
        for k in range(w.arguments):
            width, shape = arguments[k]
            w.argument[k].width = width
            if type(batch[k]) is not self.array_type:
                return False
            view = &self.views[k]
            try:
                PyObject_GetBuffer(batch[k], view, PyBUF_STRIDES | PyBUF_FORMAT)
            except (BufferError, ValueError):
                return False
            self.viewed += 1
            if not is_plain(view, shape) or view.shape[0] != self.views[0].shape[0]:
                return False
            w.argument[k].start, w.argument[k].row = <const double*>view.buf, view.strides[0] // <long>sizeof(double)
        w.rows = self.views[0].shape[0] if w.arguments else 0
        if not w.rows:
            return False
        self.make_room()
        return True

    cdef bint run_well(self) except -1:
        """True if the engine would have the same numbers; a batch that is doubtful is run once more, with more care."""
        self.work.is_careful |= self.is_watched
        self.run_once()
        if self.work.is_doubtful and not self.work.is_careful:
            self.work.is_careful = True
            self.run_once()
            self.work.is_careful = not self.work.is_doubtful        # and so are those that follow, if that was why
        return not self.work.is_doubtful

    cdef int run_once(self) except -1:
        cdef Work *w = &self.work
        cdef long q
        cdef int i
        for q in range(self.gathered.shape[0]):
            w.uniform[self.gathered[q]] = w.parameters[self.sources[q]]
        w.goes_on = self.start != NULL
        for i in range(w.backward, self.count):
            w.steps[i].has_minus_zero = w.goes_on and begin(&self.shares[i], self.start)
        for i in range(w.parts):
            w.turn[i] = w.blocks - 1
        w.next, w.finished = w.blocks - 1, 0
        w.is_doubtful = w.is_stopped = False
        if w.rows * self.cost < BRIEF:
            work(w, 0)
            return 0
        self.joined = 0
        self.start_helpers()
        with nogil:
            work(w, 0)
        self.runs += 1                          # a thread that had to wait for a processor comes too late now
        with nogil:
            wait_for(w, self.joined + 1)
        return raise_what_is_set() if w.is_stopped else 0

    cdef int start_helpers(self) except -1:
        """Let other threads work too: fewer, with the same bits, where no more can be started."""
        cdef int i
        for i in range(self.helpers):
            try:
                start_new_thread(self.help, (i + 1, self.runs))
            except Exception:
                break
        return 0

    def help(self, int thread, long run):
        """What another thread does in a run, unless that is over; whoever holds the GIL may join it, or end it."""
        if run != self.runs:
            return
        self.joined += 1
        with nogil:
            work(&self.work, thread)

    cdef int make_room(self) except -1:
        """Blocks of equal size, and a table for each thread that works on them."""
        cdef Work *w = &self.work
        cdef long blocks = (w.rows + self.block - 1) // self.block, needed
        self.helpers = self.threads - 1 if w.rows * self.cost > SHORT else 0
        if self.helpers:
            blocks += (self.threads - blocks % self.threads) % self.threads
        w.block = ((w.rows + blocks - 1) // blocks + 7) & ~7
        w.blocks = (w.rows + w.block - 1) // w.block
        w.stride = w.block | 8
        w.patience = <long>(LONG / (w.block * self.cost + 1)) + 1
        needed = (self.columns + self.room) * w.stride
        if needed > self.allocated:
            self.allocate(needed)
        for i in range(self.helpers + 1):
            w.places[i].room = w.places[i].table + self.columns * w.stride
        if w.rows > self.allocated_losses:
            free(self.losses)
            self.allocated_losses, self.losses = 0, NULL
            self.losses = <double*>new(w.rows * max(1, w.results), sizeof(double))
            self.allocated_losses = w.rows
        return 0

    cdef int allocate(self, long needed) except -1:
        cdef int i
        self.allocated = 0
        for i in range(self.threads):
            free(self.work.places[i].table)
            self.work.places[i].table = NULL
        for i in range(self.threads):
            self.work.places[i].table = new_table(needed)
            if self.work.places[i].table == NULL:
                raise MemoryError
        self.allocated = needed
        return 0


cdef bint is_plain(const Py_buffer *view, tuple shape) except -1:
    """Is it an array of float64 with rows of this shape, whose numbers lie one behind the other?"""
    cdef int d
    cdef Py_ssize_t step = sizeof(double)
    if shape is None or view.ndim != len(shape) + 1 or view.format[0] != b"d" or view.format[1]:
        return False
    for d in range(view.ndim - 1, 0, -1):
        if view.shape[d] != <Py_ssize_t>shape[d - 1] or (view.strides[d] != step and view.shape[d] > 1):
            return False
        step *= view.shape[d]
    return view.strides[0] % <Py_ssize_t>sizeof(double) == 0 and <size_t>view.buf % sizeof(double) == 0


# ---- an op alone -------------------------------------------------------------------------------------


def evaluate(str instruction_set, int op, int rows, list columns, list constants):
    """(results, columns of local gradients, whether an IEEE flag was raised) of an op by its number, for checks.

    rows        how many rows of numbers it takes; 0 if it takes single numbers
    columns     of each input the numbers
    """
    cdef Step s
    cdef Block b
    cdef long number = len(columns[0]), padded = (number + 7) & ~7, stride = padded | 8
    cdef int i, count = len(columns)
    table = array("d", bytes(8 * stride * (2 * count + 1 + 40 * (count + 1))))
    pointers = array("q", bytes(16 * (count + 1)))
    kept = []
    memset(&s, 0, sizeof(Step))
    s.kind, s.op, s.members, s.terms, s.length = ROWS if rows else APPLY, op, 1, count, count // max(1, rows)
    s.inputs.count, s.inputs.places = count, ints(array("i", range(count)), kept)
    s.out, s.slopes = count, ints(array("i", range(count + 1, 2 * count + 1)), kept)
    s.constants = floats(array("d", constants), kept)
    for i in range(count):
        table[i * stride:i * stride + padded] = array("d", columns[i] + columns[i][number - 1:] * (padded - number))
    b.rows, b.padded, b.stride, b.table = number, padded, stride, <double*>floats(table, kept)
    b.room, b.pointers = b.table + (2 * count + 1) * stride, <void**><size_t>pointers.buffer_info()[0]
    flagged = run_alone(RUNNERS[INSTRUCTION_SETS[instruction_set]][0], &s, &b)
    out, *slopes = [table[i * stride:i * stride + b.rows].tolist() for i in range(count, 2 * count + 1)]
    return out, slopes, bool(flagged)
