# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: c_api_binop_methods=True
"""`Value` in C: the class of `value.py` again, with the same names, behaviour and bits.

A node is one C struct: its numbers, up to two parents with their local gradients, and the
number of its operation.  What the public names promise, tuples of parents and local gradients,
the op's name, the constants, is made when it is asked for.  The operations are C functions
printed from the rules of `ops.py` (see `c_rules.py`).  Whatever is rare, errors, numpy, copies,
operations declared later, is done by the functions of `value.py`.

A plain number that meets a Value is kept as a number; it becomes a node when somebody looks.
"""

cimport cython
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.object cimport PyObject, ternaryfunc
from libc.math cimport isfinite
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

cdef class Value

cdef extern from "Python.h":
    ctypedef object (*vectorcallfunc)(object, PyObject *const *, size_t, PyObject *)
    ctypedef struct PyTypeObject:
        Py_ssize_t tp_basicsize
        void (*tp_dealloc)(PyObject*) noexcept
        void (*tp_free)(void*) noexcept
        PyObject *(*tp_alloc)(PyTypeObject*, Py_ssize_t) noexcept
        void *tp_new
        void *tp_init
        vectorcallfunc tp_vectorcall
        ternaryfunc tp_call
        Py_ssize_t tp_vectorcall_offset
    PyObject *Py_True
    Py_ssize_t Py_REFCNT(void*)
    PyTypeObject *Py_TYPE(void*)
    void PyErr_NoMemory()
    object PyObject_Vectorcall(object, PyObject *const *, size_t, PyObject *)
    int PyFloat_CheckExact(object)
    int PyLong_CheckExact(object)
    double PyFloat_AS_DOUBLE(object)
    Value owned "(PyObject*)"(void*)    # a new reference, as one of Python's own functions returns it
    void incref "Py_INCREF"(void*)
    void decref "Py_DECREF"(void*)
    vectorcallfunc PyVectorcall_Function(object)
    Py_ssize_t PyVectorcall_NARGS(size_t)
    int context_value "PyContextVar_Get"(PyObject*, PyObject*, PyObject**) except -1

cdef extern from *:
    """
    /* Has this int one digit, as nearly all have?  Then its number, which a float holds. */
    static inline int small_int(PyObject *o, double *x) {
    #if PY_VERSION_HEX >= 0x030C0000
        if (!PyUnstable_Long_IsCompact((PyLongObject *)o)) return 0;
        *x = (double)PyUnstable_Long_CompactValue((PyLongObject *)o);
    #else
        if (Py_SIZE(o) < -1 || Py_SIZE(o) > 1) return 0;
        *x = (double)(Py_SIZE(o) * (Py_ssize_t)((PyLongObject *)o)->ob_digit[0]);
    #endif
        return 1;
    }

    /* PyObject_Init; where the head of an object is surely a count and a type, without the two calls. */
    static inline void begin_object(void *p, PyTypeObject *kind) {
    #if PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED) && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
        ((PyObject *)p)->ob_refcnt = 1;
        ((PyObject *)p)->ob_type = kind;
        Py_INCREF(kind);
    #else
        PyObject_Init((PyObject *)p, kind);
    #endif
    }
    """
    void begin_object(void*, PyTypeObject*) noexcept
    bint small_int(object, double*)
    bint unlikely(bint) noexcept

cdef extern from "_arenas.h":
    enum: NODE_BYTES, HEAD_BYTES
    ctypedef struct Arena:
        pass
    void *take_node()
    void expect_earlier(void*) noexcept
    void give_node_back(void*) noexcept
    void prefer_large_pages(void*, size_t)

cdef extern from "kernels.h":
    enum: FINGERPRINT, ROOMS, OP_COUNT
    enum: OP_add, OP_sub, OP_mul, OP_div, OP_neg, OP_identity, OP_square, OP_power, OP_pow, OP_abs
    enum: OP_remainder, OP_floor_divide
    const char *const OP_NAMES[]
    const unsigned char SELECTS[]
    double op_add(double x, double y, double *gx, double *gy)
    double op_sub(double x, double y, double *gx, double *gy)
    double op_mul(double x, double y, double *gx, double *gy)
    double op_div(double x, double y, double *gx, double *gy)
    double apply1(int op, double x, double c, double *gx)
    double apply2(int op, double x, double y, double *gx, double *gy)
    double apply_any(int op, int n, const double *x, const double *c, double *g, double *room)

# What `binary` calls where the op is known when this is compiled; NULL where only its code is known.
ctypedef double (*Rule)(double x, double y, double *gx, double *gy) noexcept

from ..engine import by_hand, errors, graph, value as shared
from ..engine.number import number
from ..engine.arrays import ArrayMet, is_array as is_array_of_numpy
from ..engine.op import LEAF, OPS, Mark, Op
from ..engine.origin import add_origin, add_origin_of_call
from .c_rules import fingerprint

if fingerprint() != <unsigned int>FINGERPRINT:
    raise ImportError("the compiled engine was built from other rules than those here: install the package again, "
                      "or set TINYGRAD_EDU_PURE=1 to use the engine written in Python")

cdef object ONE = 1.0, TWO = 2
cdef dict NO_CONSTANTS = {}
cdef dict SCOPES = {}                   # the `extra` of nodes that have a scope and nothing else
cdef list BY_CODE = [None] + [OPS[name.decode()] for name in OP_NAMES[1:OP_COUNT + 1]]
cdef object ORDINARY = errors.plain_recording, is_array = is_array_of_numpy, shared_extra = shared.shared_extra
cdef bytearray modes_were_used = errors.modes_were_used
cdef object recording = errors.recording.get, tracing = errors.tracing.get, strict = errors.strict.get

# The bits of `Value.flags`.  The lowest two are the shape: the number of parents, or MANY.
cdef enum: MANY = 3, SHAPE = 3
cdef enum:
    OWNED = 4                           # a leaf whose numbers lie in arrays: see `Places`
    PLAIN = 8                           # a plain number, of which nothing else is known
    PLAIN_A = 16                        # the first or second parent is still a number, not a node
    PLAIN_B = 32
    CONSTANT = 64
    CHOOSES = 128                       # the op selects among its inputs
cdef enum: UNSEEN, OPENED, DONE, REACHED                # what a walk has done with a node
cdef enum: NUMBER, NODE, ARRAY                          # what an operand is

cdef union Slot:                        # a parent, or the plain number that stands in its place
    void *node
    double number

cdef Py_ssize_t MOST_PARENTS = 2 ** 31 // (ROOMS + 1)   # beyond which C's int ends in the rows of a rule
cdef Py_ssize_t alive = 0

@cython.auto_pickle(False)
cdef class Value:
    """Value(data, parents=(), local_grads=(), op='', label='')\n--\n\n"""      # so that Python knows its signature
    # No object among the fields: the collector need not look at nodes, and freeing one does not recurse.
    # What others read and write of a node comes first, so that it lies together in memory.
    cdef double x, dx                   # data and grad
    cdef unsigned short code            # the op's place in BY_CODE, or 0
    cdef unsigned char flags, mark
    cdef int n                          # of MANY, the number of parents
    cdef Slot a, b                      # the parents; of MANY, a is a block of n parents and n local gradients
    cdef double ga, gb                  # the local gradients; of an op with one input, gb is its constant
    cdef PyObject *extra                # what is rare, a dict that is replaced, never changed

    def __cinit__(self):
        global alive
        alive += 1

    def __init__(self, data, parents=(), local_grads=(), op="", label=""):
        cdef double x = as_double(data)
        if self.flags & OWNED:
            raise TypeError("a parameter of a compiled program cannot be made anew: set its data")
        cdef Value made = fresh() if self.flags or self.code or self.extra != NULL else self
        made.x, made.dx = x, 0.0
        if parents is not () or local_grads is not () or op != "":
            if by_hand.is_by_hand(parents, local_grads, op):
                parents, local_grads = by_hand.edges_by_hand(parents, local_grads)
                made = fresh()
                made.x = x
                set_edges(made, parents, local_grads)
                set_op(made, by_hand.mark(op))
        if made is not self:
            exchange(self, made)            # what was there goes when this node is complete
        if label:
            self.label = label
        if not is_ordinary() and tracing():
            add_origin_of_call(self)

    # ---- what is kept

    @property
    def data(self):
        """The number."""
        return data_of(self)

    @data.setter
    def data(self, new):
        if self.flags & SHAPE:
            Pure.data.fset(self, new)               # which refuses it
        cdef double x = as_double(new)              # which may call Python: only then ask where it belongs
        place_of_data(self)[0] = x

    @data.deleter
    def data(self):
        raise AttributeError("property 'data' of 'Value' object has no deleter")

    @property
    def grad(self):
        """d(output)/d(self), as `backward` left it."""
        return place_of_grad(self)[0]

    @grad.setter
    def grad(self, new):
        cdef double dx = as_double(new)
        place_of_grad(self)[0] = dx

    @grad.deleter
    def grad(self):
        raise AttributeError("property 'grad' of 'Value' object has no deleter")

    @property
    def parents(self):
        """The nodes this one was computed from."""
        cdef int i
        settle(self)
        return tuple([<object>parent_of(self, i) for i in range(count(self))])

    @property
    def local_grads(self):
        """d(self)/d(parent), one per parent."""
        cdef int i
        return tuple([grads_of(self)[i] for i in range(0 if self.flags & CONSTANT else count(self))])

    @property
    def is_constant(self):
        """Is this a number that gets no gradient?  Set it to freeze a leaf, or to wake it again."""
        return bool(self.flags & CONSTANT)

    @is_constant.setter
    def is_constant(self, frozen):
        global changes_of_leaves, frozen_and_owned
        if self.flags & SHAPE:
            Pure.is_constant.fset(self, frozen)     # which refuses it
        cdef int constant = CONSTANT if frozen else 0
        if self.flags & OWNED:
            frozen_and_owned += (constant - (self.flags & CONSTANT)) // CONSTANT
        self.flags = self.flags & ~(CONSTANT | PLAIN) | constant
        changes_of_leaves += 1

    @is_constant.deleter
    def is_constant(self):
        raise AttributeError("property 'is_constant' of 'Value' object has no deleter")

    @property
    def is_plain(self):
        return bool(self.flags & PLAIN)

    @property
    def _operation(self):
        return BY_CODE[self.code] if self.code else extra_of(self).get("op", LEAF)

    @property
    def _extra(self):
        """As in the other engine: a dict of what is rare, constants and being one among it."""
        if self.flags & PLAIN:
            return shared.CONSTANT
        extra = {key: x for key, x in extra_of(self).items() if key != "op"}
        if self.code and ONE_CONSTANT[self.code]:
            extra["constants"] = {ONE_CONSTANT[self.code]: self.gb}
        if self.flags & CONSTANT:
            extra.update(shared.CONSTANT)
        return extra or None

    def note(self, key, x):
        known = extra_of(self)
        set_extra(self, {**known, key: x} if known else shared_extra(key, x))
        self.flags &= ~PLAIN

    @staticmethod
    def set_scopes(nodes, scope):
        cdef dict extra = SCOPES.get(scope) if type(scope) is str else None
        if extra is None:
            if len(SCOPES) == 4096:
                SCOPES.clear()
            extra = SCOPES[scope] = shared_extra("scope", by_hand.checked_name("scope", scope))
        for v in nodes:
            if isinstance(v, Value) and (<Value>v).extra == NULL:
                set_extra(<Value>v, extra)
                (<Value>v).flags &= ~PLAIN
            else:
                v.scope = scope

    @staticmethod
    def restored(kind, data, grad, parents, local_grads, op, extra):
        cdef Value v = new(kind)
        v.x, v.dx = data, grad
        set_edges(v, parents, local_grads)
        rest = {key: x for key, x in (extra or {}).items() if key != "is_constant"}
        if extra and "is_constant" in extra:
            v.flags |= CONSTANT | (PLAIN if extra is shared.CONSTANT else 0)
        if ONE_CONSTANT[code_of(op)]:
            v.gb = rest.pop("constants")[ONE_CONSTANT[code_of(op)]]
        if rest:
            set_extra(v, rest)
        set_op(v, op)
        return v

    # ---- operators

    # Python calls these for x + 1 and for 1 + x, with the operands as they stand: one of the two is a Value.
    def __add__(p, q): return binary(OP_add, op_add, p, q, False)
    def __sub__(p, q): return binary(OP_sub, op_sub, p, q, False)
    def __mul__(p, q): return binary(OP_mul, op_mul, p, q, False)
    def __truediv__(p, q): return binary(OP_div, op_div, p, q, False)
    def __mod__(p, q): return binary(OP_remainder, NULL, p, q, False)
    def __floordiv__(p, q): return binary(OP_floor_divide, NULL, p, q, False)
    def __neg__(self): return unary(OP_neg, self, 0.0, False)
    def __pos__(self): return unary(OP_identity, self, 0.0, False)
    def __abs__(self): return unary(OP_abs, self, 0.0, True)

    def __pow__(p, q, modulus):
        if modulus is not None:
            return NotImplemented
        return power(p, q) if isinstance(p, Value) else binary(OP_pow, NULL, p, q, False)

    def __lt__(self, other):
        return data_of(self) < PyFloat_AS_DOUBLE(other) if PyFloat_CheckExact(other) else Pure.__lt__(self, other)

    def __le__(self, other):
        return data_of(self) <= PyFloat_AS_DOUBLE(other) if PyFloat_CheckExact(other) else Pure.__le__(self, other)

    def __gt__(self, other):
        return data_of(self) > PyFloat_AS_DOUBLE(other) if PyFloat_CheckExact(other) else Pure.__gt__(self, other)

    def __ge__(self, other):
        return data_of(self) >= PyFloat_AS_DOUBLE(other) if PyFloat_CheckExact(other) else Pure.__ge__(self, other)

    def __eq__(self, other):
        return True if self is other else Pure.__eq__(self, other)

    def __hash__(self):
        cdef size_t address = <size_t><void*>self
        return <Py_hash_t>(address >> 4 | address << (8 * sizeof(size_t) - 4))          # as object has it

    @staticmethod
    def record(op, /, *inputs, **constants):
        cdef int code = code_of(op)
        if len(inputs) != len(op.inputs) or list(constants) != list(op.constants):
            inputs, constants = op.arguments(inputs, constants)         # which sorts or refuses them
        if code and not op.rows:
            if len(inputs) == 1 and len(constants) <= 1:
                for constant in constants.values():
                    return unary(code, <Value?>inputs[0], constant, True)
                return unary(code, <Value?>inputs[0], 0.0, True)
            if len(inputs) == 2 and not constants:
                return binary(code, NULL, inputs[0], inputs[1], True)
        return general(op, code, inputs, constants)

    @staticmethod
    def record_each(op, row):
        """Apply an op of a row with an index, once for each index; with less to look up each time than `record`."""
        cdef int code = code_of(op)
        cdef int i
        cdef tuple rows = (row,)
        return [general(op, code, rows, {"index": <double>i}) for i in range(len(row))]

    @staticmethod
    def method_of(op):
        cdef int code = code_of(op)
        def method(self, *others, **constants):
            if others or constants or not isinstance(self, Value):
                return op(self, *others, **constants)
            return unary(code, self, 0.0, True) if code else general(op, 0, (self,), {})
        if code:
            call_quickly(method, code)
        return method

    # ---- gradients

    def backward(self, seed=ONE):
        cdef double start = 1.0 if seed is ONE else shared.checked_seed(seed)
        if self.flags & CONSTANT:
            raise RuntimeError(shared.NO_GRADIENT)
        walk_back(self, start)

    def zero_grad(self):
        cdef Walk walk
        cdef Py_ssize_t k
        sort(self, &walk, False)
        for k in range(walk.order.n):
            place_of_grad(<Value>walk.order.item[k].node)[0] = 0.0
        forget_marks(&walk)
        end(&walk)

    def __sizeof__(self):
        return Value.__basicsize__ + (16 * self.n if self.flags & SHAPE == MANY else 0)


# ---- making nodes ------------------------------------------------------------------------------------------

cdef inline bint is_ordinary() except -1:
    """Are results recorded, and is nobody asking where?"""
    cdef PyObject *usual
    if not modes_were_used[0]:          # never switched, in no thread: told without a call
        return True
    context_value(<PyObject*>ORDINARY, NULL, &usual)
    decref(usual)
    return usual == Py_True


cdef inline int look(object o, double *x) except -1:
    """What an operand is, and its number."""
    if isinstance(o, Value):
        x[0] = data_of(<Value>o)
        return NODE
    if is_surely_number(o, x):
        return NUMBER
    return look_closer(o, x)


cdef int look_closer(object o, double *x) except -1:
    if is_array(o):
        return ARRAY
    x[0] = number(o)
    return NUMBER


cdef inline bint is_surely_number(object o, double *x) noexcept:
    """Is this a float or a small int?  Then its number."""
    if PyFloat_CheckExact(o):
        x[0] = PyFloat_AS_DOUBLE(o)
        return True
    return PyLong_CheckExact(o) and small_int(o, x)


cdef inline double as_double(object o) except? -1.0:
    cdef double x
    return x if is_surely_number(o, &x) else number(o)


cdef inline PyObject *allocate(PyTypeObject *kind, Py_ssize_t _) noexcept:
    cdef void *p = take_node()
    if p == NULL:
        PyErr_NoMemory()
        return NULL
    begin_object(p, kind)
    (<Value>p).x = (<Value>p).dx = (<Value>p).ga = (<Value>p).gb = 0.0
    (<Value>p).a.node = (<Value>p).b.node = (<Value>p).extra = NULL
    (<Value>p).code = (<Value>p).flags = (<Value>p).mark = 0
    (<Value>p).n = 0
    return <PyObject*>p


cdef inline Value fresh():
    global alive
    cdef Value v = owned(allocate(VALUE, 0))
    alive += 1
    return v


cdef inline object unary(int code, Value p, double c, bint called):
    cdef Value v = fresh()
    v.x = apply1(code, data_of(p), c, &v.ga)
    v.gb = c
    if not isfinite(v.x):
        explain_or_go_on(v, code, (p,), {ONE_CONSTANT[code]: c} if ONE_CONSTANT[code] else {})
    incref(<void*>p)
    v.a.node = <void*>p
    v.code = code
    v.flags = 1 | SELECTS[code] * CHOOSES | p.flags & CONSTANT
    return v if is_ordinary() else unusual(v, called)


cdef inline object binary(int code, Rule rule, object p, object q, bint called):
    cdef double x = 0.0, y = 0.0
    cdef int first = look(p, &x), second = ARRAY if first == ARRAY else look(q, &y)
    cdef int flags = 2 | SELECTS[code] * CHOOSES, constant = CONSTANT
    cdef Value v
    if second == ARRAY:
        return NotImplemented
    v = fresh()
    v.x = rule(x, y, &v.ga, &v.gb) if rule != NULL else apply2(code, x, y, &v.ga, &v.gb)
    if not isfinite(v.x):
        explain_or_go_on(v, code, (node(p), node(q)), {})
    if first == NODE:
        incref(<void*>p)
        v.a.node = <void*>p
        constant &= (<Value>p).flags
    else:
        v.a.number = x
        flags |= PLAIN_A
    if second == NODE:
        incref(<void*>q)
        v.b.node = <void*>q
        constant &= (<Value>q).flags
    else:
        v.b.number = y
        flags |= PLAIN_B
    v.code = code
    v.flags = flags | constant
    return v if is_ordinary() else unusual(v, called)


cdef object power(Value p, object q):
    cdef double n = 0.0
    if q is TWO:
        return unary(OP_square, p, 0.0, False)
    if look(q, &n) != NUMBER:
        return binary(OP_pow, NULL, p, q, False)
    return unary(OP_square, p, 0.0, False) if n == 2.0 else unary(OP_power, p, n, False)


cdef object call_value(kind, PyObject *const *given, size_t count, PyObject *names):
    """What Python calls for `Value(2.0)`; whatever is more than that goes the way of all classes."""
    cdef Value v
    if (PyVectorcall_NARGS(count) == 1 and names == NULL and VALUE.tp_init == INIT and VALUE.tp_new == NEW
            and is_ordinary()):
        v = fresh()
        v.x = as_double(<object>given[0])
        return v
    return PyObject_Vectorcall(call_slowly, given, count, names)


cdef explain_or_go_on(Value v, int code, tuple parents, dict constants):
    """Numbers that are not finite, as `value.py` has them, errors included."""
    v.x, local_grads = shared.evaluate_or_explain(BY_CODE[code], parents, constants)
    v.ga = local_grads[0]
    if len(parents) == 2:
        v.gb = local_grads[1]


cdef object unusual(Value v, bint called):
    """A new node where nothing is to be recorded, or its line is to be remembered."""
    if not recording():
        return plain(v.x)
    if tracing():
        if called:
            add_origin_of_call(v)
        else:
            add_origin(v)
    return v


cdef object general(op, int code, tuple inputs, dict constants):
    """`record` for any number of inputs, rows of them, ops with constants, and those declared later."""
    cdef Value v = fresh()
    cdef int rows = ROWS[code] if code else len(op.inputs) if op.rows else 0
    cdef Py_ssize_t n = rows * <Py_ssize_t>len(inputs[0]) if rows else len(inputs)
    cdef Value p
    reserve(v, n)
    try:
        for row in inputs if rows else (inputs,):
            for x in row:
                p = node(x)
                if count(v) == n:           # by what was called to read a number
                    raise RuntimeError("a row of numbers became longer while it was read")
                add_parent(v, p)
    except ArrayMet:
        return NotImplemented
    v.flags |= CONSTANT * are_constant(v)
    if code == 0 or not computed(v, code, rows, constants):
        data, local_grads = shared.evaluate_or_explain(op, v.parents, constants)
        v.x = data
        put_grads(v, tuple([g for each in local_grads for g in each] if rows else local_grads))
    if code:
        v.code = code
        v.flags |= SELECTS[code] * CHOOSES
    else:
        set_op(v, op)
    if constants:
        set_extra(v, {"constants": constants} if v.extra == NULL else {**extra_of(v), "constants": constants})
    return v if is_ordinary() else unusual(v, True)


cdef bint are_constant(Value v) noexcept:
    cdef int i
    for i in range(count(v)):
        if not (<Value>parent_of(v, i)).flags & CONSTANT:
            return False
    return True


cdef bint computed(Value v, int code, int rows, dict constants) except -1:
    """Run the C function of an op on the parents; False if the result is not finite."""
    cdef double[128] small
    cdef int i, n = count(v), length = n // rows if rows else 1
    cdef Py_ssize_t needed = n + ROOMS * <Py_ssize_t>length + len(constants)
    cdef double *x = &small[0] if needed <= 128 else <double*>malloc(needed * sizeof(double))
    cdef double *c = x + n
    if x == NULL:
        raise MemoryError
    for i in range(n):
        x[i] = data_of(<Value>parent_of(v, i))
    for constant in constants.values():
        c[0] = constant
        c += 1
    v.x = apply_any(code, length, x, x + n, grads_of(v), c)
    if x != &small[0]:
        free(x)
    return isfinite(v.x)


cdef Value plain(double x):
    cdef Value v = fresh()
    v.x = x
    v.flags = CONSTANT | PLAIN
    return v


cdef inline Value node(object o):
    """An operand as a node."""
    cdef double x = 0.0
    cdef int kind = look(o, &x)
    if kind == ARRAY:
        raise ArrayMet
    return <Value>o if kind == NODE else plain(x)


def constant(x, label=""):
    cdef Value v = node(x)
    if label and v is not x:
        set_extra(v, shared_extra("label", label))
        v.flags &= ~PLAIN
    return v


cdef object call_op(op, tuple inputs, PyObject *constants):
    """What Python calls for `tanh(x)`; for what is rare, the method written in Python."""
    cdef bint named = constants != NULL and len(<dict>constants)
    cdef int code = 0 if named else code_of(op), shape = CALLS[code]
    if shape == len(inputs):
        if shape == 1 and isinstance(inputs[0], Value):
            return unary(code, inputs[0], DEFAULTS[code], True)
        if shape == 2 and (isinstance(inputs[0], Value) or isinstance(inputs[1], Value)):
            made = binary(code, NULL, inputs[0], inputs[1], True)
            if made is not NotImplemented:          # as it is where one is an array
                return made
    elif shape < 0 and are_rows(inputs, -shape):
        try:
            made = general(op, code, inputs, NO_CONSTANTS)
            if made is not NotImplemented:
                return made
        except TypeError:                           # which is said by name below
            pass
    return op.__call__(*inputs, **<dict>constants) if named else op.__call__(*inputs)


cdef bint are_rows(tuple inputs, int count):
    """Are these lists or tuples, as many as needed, of one length, that begin with Values?"""
    if len(inputs) != count:
        return False
    for row in inputs:
        if not (type(row) is list or type(row) is tuple) or not len(row) or len(row) != len(inputs[0]):
            return False
    return isinstance(inputs[0][0], Value)


cdef object call_method(method, PyObject *const *given, size_t count, PyObject *names):
    """What Python calls for `x.tanh()`."""
    if PyVectorcall_NARGS(count) == 1 and names == NULL and isinstance(<object>given[0], Value):
        return unary(code_of(method), <Value>given[0], 0.0, True)
    return method_slowly(method, given, count, names)


cdef call_quickly(method, int code):
    """Let Python call `call_method` for the first method of an op, by the address that such a function holds."""
    global method_slowly
    cdef char *start = <char*><void*>method
    if PyVectorcall_Function(method) != NULL and METHODS[code] is None:
        METHODS[code] = method                      # so that it lives: the table has only its address
        place_of(<void*>method)[0] = Known(<void*>method, code)
        method_slowly = PyVectorcall_Function(method)
        (<vectorcallfunc*>(start + Py_TYPE(start).tp_vectorcall_offset))[0] = call_method


# ---- the codes of operations -----------------------------------------------------------------------------

cdef enum: PLACES = 512                 # more than twice as many as there are operations and quick methods

cdef struct Known:
    void *it
    int code

cdef Known[PLACES] known


cdef inline Known *place_of(void *it) noexcept:
    """Where an op or a quick method stands in `known`, or could: at the place its address tells, or after it."""
    cdef size_t i = <size_t>it // 16 % PLACES
    while known[i].it != it and known[i].it != NULL:
        i = (i + 1) % PLACES
    return &known[i]


cdef inline int code_of(object it) noexcept:
    """The code of an operation or of a quick method; 0 of those that were declared later."""
    return place_of(<void*>it).code


# ---- the parts of a node ---------------------------------------------------------------------------------

cdef inline int count(Value v) noexcept:
    return v.n if v.flags & SHAPE == MANY else v.flags & SHAPE


cdef inline void *parent_of(Value v, int i) noexcept:
    return (<void**>v.a.node)[i] if v.flags & SHAPE == MANY else v.b.node if i else v.a.node


cdef inline double *grads_of(Value v) noexcept:
    return <double*>(<void**>v.a.node + v.n) if v.flags & SHAPE == MANY else &v.ga


cdef int reserve(Value v, Py_ssize_t n) except -1:
    """Make room for n parents in a node that has none, and for their local gradients, which are 0."""
    if n > MOST_PARENTS:
        raise OverflowError(f"a node of {n} parents is too large")
    if n > 2:
        v.a.node = calloc(n, sizeof(void*) + sizeof(double))
        if v.a.node == NULL:
            raise MemoryError
        v.flags |= MANY
    return 0


cdef inline void add_parent(Value v, Value p) noexcept:
    incref(<void*>p)
    if v.flags & SHAPE == MANY:
        (<void**>v.a.node)[v.n] = <void*>p
        v.n += 1
    elif v.flags & SHAPE:
        v.b.node = <void*>p
        v.flags += 1
    else:
        v.a.node = <void*>p
        v.flags += 1


cdef put_grads(Value v, tuple local_grads):
    cdef int i
    if len(local_grads) != count(v):
        raise ValueError(f"each parent needs one local gradient: got {count(v)} and {len(local_grads)}")
    for i in range(count(v)):
        grads_of(v)[i] = local_grads[i]


cdef set_edges(Value v, tuple parents, tuple local_grads):
    reserve(v, len(parents))
    for p in parents:
        add_parent(v, <Value?>p)
    if local_grads:                     # a constant has none
        put_grads(v, local_grads)


cdef set_op(Value v, op):
    if code_of(op):
        v.code = code_of(op)
    elif op is not LEAF:
        set_extra(v, {**extra_of(v), "op": op} if v.extra != NULL or type(op) is Mark else shared_extra("op", op))
    if op.selects:
        v.flags |= CHOOSES


cdef dict extra_of(Value v):
    return <dict>v.extra if v.extra != NULL else {}


cdef set_extra(Value v, dict extra):
    cdef PyObject *before = v.extra
    incref(<void*>extra)
    v.extra = <PyObject*>extra
    if before != NULL:
        decref(before)


cdef void exchange(Value v, Value w) noexcept:
    """Each of two nodes becomes what the other was."""
    cdef char[128] kept
    cdef size_t size = VALUE.tp_basicsize - sizeof(PyObject)
    memcpy(kept, &v.x, size)
    memcpy(&v.x, &w.x, size)
    memcpy(&w.x, kept, size)


cdef settle(Value v):
    """Plain numbers among the parents become nodes the first time somebody looks."""
    cdef Value leaf
    if v.flags & PLAIN_A:
        leaf = plain(v.a.number)
        incref(<void*>leaf)
        v.a.node = <void*>leaf
        v.flags &= ~PLAIN_A
    if v.flags & PLAIN_B:
        leaf = plain(v.b.number)
        incref(<void*>leaf)
        v.b.node = <void*>leaf
        v.flags &= ~PLAIN_B


# ---- leaves whose numbers lie in arrays ----------------------------------------------------------------------

# Such a leaf, which has no parents, keeps in their place the addresses of its two numbers, and in the place of a
# local gradient that of its owner.  Its own `dx` is where `backward` adds up.

cdef Py_ssize_t changes_of_leaves = 0   # grows when a leaf is frozen or woken, or gets another owner
cdef Py_ssize_t frozen_and_owned = 0    # how many leaves are both, now


cdef inline double data_of(Value v) noexcept:
    return (<double*>v.a.node)[0] if unlikely(v.flags & OWNED) else v.x


cdef inline double *place_of_data(Value v) noexcept:
    return <double*>v.a.node if unlikely(v.flags & OWNED) else &v.x


cdef inline double *place_of_grad(Value v) noexcept:
    return <double*>v.b.node if unlikely(v.flags & OWNED) else &v.dx


cdef inline void *owner_of(Value v) noexcept:
    return (<void**>&v.ga)[0]


def count_changes():
    """A number that stays the same as long as no leaf is frozen, woken, or gets another owner."""
    return changes_of_leaves


cdef class Memory:
    """So many numbers of eight bytes in an array, which stays as long as this lives."""

    cdef Py_buffer view
    cdef double *number

    def __cinit__(self, array, Py_ssize_t count, bint changed):
        PyObject_GetBuffer(array, &self.view, PyBUF_C_CONTIGUOUS | (PyBUF_WRITABLE if changed else 0))
        if self.view.itemsize != 8 or self.view.len != 8 * count:
            raise ValueError(f"an array of {count} numbers of 8 bytes is needed, got {self.view.len} bytes")
        self.number = <double*>self.view.buf

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


@cython.no_gc_clear                     # so that all is there until `__dealloc__` has given the numbers back
cdef class Places:
    """Leaves whose numbers and gradients lie side by side in two arrays, as long as this lives.

    values   the leaves, each once
    data     an array for their numbers, which are copied there
    grad     one for their gradients
    """

    cdef readonly tuple values
    cdef readonly object data, grad
    cdef Memory data_memory, grad_memory
    cdef object __weakref__

    def __cinit__(self, tuple values, data, grad):
        self.values = ()
        Places.take(self, values, data, grad, ())

    def take(self, tuple values, data, grad, parts):
        """Own more leaves, in larger arrays: first those that are here already, in their order.

        parts   of former owners, each with the parts of the arrays where the numbers of its leaves are now
        """
        global changes_of_leaves
        cdef Py_ssize_t i
        if [*map(id, values[:len(self.values)])] != [*map(id, self.values)]:
            raise ValueError("the leaves that are here already must come first")
        for v in values:
            if (<Value?>v).flags & SHAPE:
                raise ValueError(f"only leaves can lie in an array: got {v}")
        cdef tuple before = (self.data_memory, self.grad_memory)    # where numbers are until they were copied
        self.use(data, grad, len(values))
        self.values = values
        for i in range(len(values)):
            self.adopt(<Value>values[i], self.data_memory.number + i, self.grad_memory.number + i)
        for part, data, grad in parts:
            (<Places?>part).use(data, grad, len(part.values))
        changes_of_leaves += 1

    cdef use(self, data, grad, Py_ssize_t count):
        self.data_memory, self.grad_memory = Memory(data, count, True), Memory(grad, count, True)
        self.data, self.grad = data, grad

    cdef void adopt(self, Value v, double *data, double *grad) noexcept:
        global frozen_and_owned
        data[0], grad[0] = data_of(v), place_of_grad(v)[0]
        if v.flags & CONSTANT and not v.flags & OWNED:
            frozen_and_owned += 1
        v.flags |= OWNED
        v.a.node, v.b.node, (<void**>&v.ga)[0] = data, grad, <void*>self

    def __dealloc__(self):
        global changes_of_leaves
        for v in self.values or ():
            if is_here(self, v):
                give_back_numbers(v)
        changes_of_leaves += 1

    def find(self, values, places):
        """Write down where each of these leaves lies; False if one of them does not lie here."""
        cdef Memory where = Memory(places, len(values), True)
        cdef Py_ssize_t *place = <Py_ssize_t*>where.number
        cdef size_t bytes
        cdef Py_ssize_t i
        for i, v in enumerate(values):
            if not isinstance(v, Value) or not (<Value>v).flags & OWNED:
                return False
            bytes = <size_t>(<Value>v).a.node - <size_t>self.data_memory.number             # huge if it lies before
            if bytes // 8 >= <size_t>len(self.values):
                return False
            place[i] = bytes // 8
        return True

    @property
    def has_frozen(self):
        """May some of these be frozen, so that they get no gradients?"""
        return bool(frozen_and_owned)

    def add_to_grad(self, gradients, places):
        """Add to the gradients of leaves, all at once; those that are frozen get none.

        places   of each leaf its place, in an array of whole numbers; or the first place, if they lie in a row
        """
        cdef Py_ssize_t i, n = len(gradients), first = 0
        cdef Memory dx = Memory(gradients, n, False), where = self.checked(places, n, &first)
        cdef Py_ssize_t *place = NULL if where is None else <Py_ssize_t*>where.number
        for i in range(n):
            if not frozen_and_owned or not (<Value>self.values[at(place, first, i)]).flags & CONSTANT:
                self.grad_memory.number[at(place, first, i)] += dx.number[i]

    def move(self, numbers, places):
        """Set the numbers of leaves, all at once; `places` as in `add_to_grad`."""
        cdef Py_ssize_t i, n = len(numbers), first = 0
        cdef Memory x = Memory(numbers, n, False), where = self.checked(places, n, &first)
        cdef Py_ssize_t *place = NULL if where is None else <Py_ssize_t*>where.number
        cdef double *data = self.data_memory.number
        cdef double *new = x.number
        for i in range(n):
            data[at(place, first, i)] = new[i]

    cdef Memory checked(self, object places, Py_ssize_t n, Py_ssize_t *first):
        """So many places, none of which is beyond the end; None, and the first, if they lie in a row."""
        cdef Memory where = None if type(places) is int else Memory(places, n, False)
        cdef Py_ssize_t *place = NULL if where is None else <Py_ssize_t*>where.number
        cdef Py_ssize_t i, beyond = 0
        cdef size_t count = len(self.values)
        first[0] = places if where is None else 0
        if where is None:
            beyond = n and (first[0] < 0 or <size_t>(first[0] + n) > count)
        else:
            for i in range(n):
                beyond += <size_t>place[i] >= count
        if beyond:
            raise IndexError(f"not all of these places are among {count}")
        return where


cdef inline Py_ssize_t at(Py_ssize_t *place, Py_ssize_t first, Py_ssize_t i) noexcept:
    return place[i] if place != NULL else first + i


cdef inline bint is_here(Places self, object v) noexcept:
    return isinstance(v, Value) and (<Value>v).flags & OWNED and owner_of(<Value>v) == <void*>self


cdef void give_back_numbers(Value v) noexcept:
    global frozen_and_owned
    v.x, v.dx = data_of(v), place_of_grad(v)[0]
    v.a.node, v.b.node, v.ga = NULL, NULL, 0.0
    v.flags &= ~OWNED
    if v.flags & CONSTANT:
        frozen_and_owned -= 1


def owner(v):
    """The Places where the numbers of a Value lie, or None."""
    if isinstance(v, Value) and (<Value>v).flags & OWNED and Py_REFCNT(owner_of(<Value>v)) > 0:
        return <object>owner_of(<Value>v)
    return None                         # as also while that is being freed


# ---- freeing, without recursion ----------------------------------------------------------------------------

cdef PyTypeObject *VALUE = <PyTypeObject*>Value
cdef void *dying = NULL                 # nodes that nobody holds, linked through `dx`
cdef bint freeing = False               # is somebody at work on them?


cdef void deallocate(PyObject *o) noexcept:
    """What Python calls when the last reference to a node is gone."""
    global freeing
    cdef void *p = o
    incref(o)                           # so that nothing below lets it go again
    if freeing:                         # we were called from below, by an instance of a subclass
        link(o)
        return
    freeing = True
    while p != NULL:
        expect_earlier(p)
        release_parents(<Value>p)
        discard(p)
        p = unlink()
    freeing = False


cdef inline void link(void *p) noexcept:
    global dying
    (<void**>&(<Value>p).dx)[0] = dying
    dying = p


cdef inline void *unlink() noexcept:
    global dying
    cdef void *p = dying
    if p != NULL:
        dying = (<void**>&(<Value>p).dx)[0]
    return p


cdef inline void discard(void *p) noexcept:
    """Give the memory of a node back, which has no parents any more."""
    global alive
    cdef PyTypeObject *kind = Py_TYPE(p)
    alive -= 1
    if (<Value>p).extra != NULL:
        decref((<Value>p).extra)
    if kind == VALUE:
        give_node_back(p)
    else:
        kind.tp_free(p)
    decref(kind)                        # types like this one count their instances


cdef inline void release(void *p) noexcept:
    """Drop one reference; a node that nobody else holds joins the dying."""
    if Py_REFCNT(p) == 1 and Py_TYPE(p) == VALUE:
        link(p)
    else:
        decref(p)


cdef inline void release_parents(Value v) noexcept:
    cdef int i, flags = v.flags
    v.flags = 0
    if flags & SHAPE == MANY:
        for i in range(v.n):
            release((<void**>v.a.node)[i])
        free(v.a.node)
    else:
        if flags & SHAPE and not flags & PLAIN_A:
            release(v.a.node)
        if flags & SHAPE == 2 and not flags & PLAIN_B:
            release(v.b.node)


# ---- walking the graph ---------------------------------------------------------------------------------------

cdef struct Pile:
    Slot *item
    Py_ssize_t n, room

cdef struct Walk:
    Pile order, stack                   # nodes that are done, and those still to be looked at
    Pile before                         # for each of `order` its gradient until now

cdef Walk idle                          # the memory of the last walk, for the next one


cdef inline Slot *next_of(Pile *pile) except NULL:
    """The place of another item on a pile."""
    if pile.n == pile.room:
        enlarge(pile)
    pile.n += 1
    return &pile.item[pile.n - 1]


cdef int enlarge(Pile *pile) except -1:
    """Twice the room; for large graphs at once what all nodes there are could need."""
    cdef Py_ssize_t room = 2 * pile.room + 256
    if room > 2 ** 18 and room < alive:
        room = alive
    cdef Slot *larger = <Slot*>realloc(pile.item, room * sizeof(Slot))
    if larger == NULL:
        raise MemoryError
    pile.item, pile.room = larger, room
    prefer_large_pages(larger, room * sizeof(Slot))
    return 0


cdef void begin(Walk *walk) noexcept:
    walk[0] = idle
    memset(&idle, 0, sizeof(Walk))
    walk.order.n = walk.stack.n = walk.before.n = 0


cdef void end(Walk *walk) noexcept:
    give_back(&walk.order, &idle.order)
    give_back(&walk.stack, &idle.stack)
    give_back(&walk.before, &idle.before)


cdef void give_back(Pile *pile, Pile *kept) noexcept:
    if kept.item == NULL and pile.room <= 2 ** 20:
        kept[0] = pile[0]
    else:
        free(pile.item)


cdef inline int append(Walk *walk, void *p, bint exact) except -1:
    """A node is done; for `backward` its gradient is put aside, to be summed from 0."""
    next_of(&walk.order).node = p
    (<Value>p).mark = DONE
    if not exact:
        next_of(&walk.before).number = place_of_grad(<Value>p)[0]
        (<Value>p).dx = 0.0
    return 0


cdef inline int meet(Walk *walk, void *p, bint exact) except -1:
    """A parent: to be looked at, unless it was."""
    if (<Value>p).mark != UNSEEN:
        return 0
    if not exact and not (<Value>p).flags & SHAPE:
        return append(walk, p, exact)
    next_of(&walk.stack).node = p
    return 0


cdef inline int visit(Walk *walk, bint exact) except -1:
    cdef void *p
    cdef int i
    while walk.stack.n:
        p = walk.stack.item[walk.stack.n - 1].node
        if (<Value>p).mark != UNSEEN:
            if (<Value>p).mark == OPENED:
                append(walk, p, exact)
            walk.stack.n -= 1
            continue
        (<Value>p).mark = OPENED
        expect_earlier(p)
        if exact:
            settle(<Value>p)
        if (<Value>p).flags & SHAPE == MANY:
            for i in range((<Value>p).n - 1, -1, -1):
                meet(walk, parent_of(<Value>p, i), exact)
            continue
        if (<Value>p).flags & SHAPE == 2 and not (<Value>p).flags & PLAIN_B:
            meet(walk, (<Value>p).b.node, exact)
        if (<Value>p).flags & SHAPE and not (<Value>p).flags & PLAIN_A:
            meet(walk, (<Value>p).a.node, exact)
    return 0


cdef int sort(Value output, Walk *walk, bint exact) except -1:
    """Every node, parents before children.

    exact   in the order of `topological_order` of value.py, plain numbers too, which become nodes;
            otherwise leaves may stand anywhere, and gradients are 0 afterwards, kept in `before`
    """
    begin(walk)
    try:
        next_of(&walk.stack).node = <void*>output
        if exact:
            visit(walk, True)
        else:
            visit(walk, False)
    except BaseException:
        while walk.stack.n:
            walk.stack.n -= 1
            (<Value>walk.stack.item[walk.stack.n].node).mark = UNSEEN
        put_back(walk)
        forget_marks(walk)
        end(walk)
        raise
    return 0


cdef void put_back(Walk *walk) noexcept:
    """The gradients as they were before."""
    cdef Py_ssize_t k
    for k in range(walk.before.n):
        place_of_grad(<Value>walk.order.item[k].node)[0] = walk.before.item[k].number


cdef void forget_marks(Walk *walk) noexcept:
    cdef Py_ssize_t k
    for k in range(walk.order.n):
        (<Value>walk.order.item[k].node).mark = UNSEEN


cdef walk_back(Value output, double seed):
    """`Value.backward`: gradients are summed in place, and put back as they were if one is refused."""
    cdef Walk walk
    cdef void *p
    cdef double before
    cdef Py_ssize_t k
    cdef bint finite = True
    sort(output, &walk, False)
    output.dx = seed
    output.mark = REACHED
    for k in range(walk.order.n - 1, -1, -1):
        p = walk.order.item[k].node
        if (<Value>p).flags & CONSTANT or not (<Value>p).flags & SHAPE:
            before = walk.before.item[k].number
            finite = finite and isfinite((<Value>p).dx)
            place_of_grad(<Value>p)[0] = before + (<Value>p).dx if (<Value>p).mark == REACHED else before
        elif (<Value>p).mark == REACHED:
            pass_on(p)
        (<Value>p).mark = UNSEEN
    if finite or not strict():
        end(&walk)
    else:
        put_back(&walk)
        end(&walk)
        refuse(output, seed)


cdef inline void pass_on(void *p) noexcept:
    """What reached a node goes on to its parents, the last first."""
    cdef double upstream = (<Value>p).dx
    cdef int i, flags = (<Value>p).flags
    if flags & SHAPE == MANY:
        for i in range((<Value>p).n - 1, -1, -1):
            add_to(parent_of(<Value>p, i), upstream, grads_of(<Value>p)[i], flags)
        return
    if flags & SHAPE == 2 and not flags & PLAIN_B:
        add_to((<Value>p).b.node, upstream, (<Value>p).gb, flags)
    if not flags & PLAIN_A:
        add_to((<Value>p).a.node, upstream, (<Value>p).ga, flags)


cdef inline void add_to(void *p, double upstream, double local_grad, int flags) noexcept:
    if (local_grad != 0.0 or not flags & CHOOSES) and not (<Value>p).flags & CONSTANT:
        (<Value>p).dx += upstream * local_grad
        (<Value>p).mark = REACHED


cdef refuse(Value output, double seed):
    order = topological_order(output)
    arrived, _ = graph.walked_back(order, seed)
    graph.check_leaves(order, arrived)


def topological_order(output):
    cdef Walk walk
    cdef Py_ssize_t k
    cdef list nodes = []
    graph.refuse_non_value(output)
    sort(<Value?>output, &walk, True)
    forget_marks(&walk)
    try:
        for k in range(walk.order.n):
            nodes.append(<object>walk.order.item[k].node)
    finally:
        end(&walk)
    return nodes


def live_values():
    return alive


# ---- the rest of the class is that of value.py ---------------------------------------------------------------

cdef object Pure = shared.Value, new = Value.__new__
cdef void *INIT = VALUE.tp_init         # what these slots hold as long as nobody has set `Value.__init__` or `__new__`
cdef void *NEW = VALUE.tp_new
cdef object call_slowly = type.__call__.__get__(Value)
cdef vectorcallfunc method_slowly
cdef list METHODS = [None] * len(BY_CODE)           # of each op the quick method, if it has one
cdef list ONE_CONSTANT = [              # the name of the constant of an op that has one, and one input
    next(iter(op.constants)) if op and not op.rows and len(op.inputs) == len(op.constants) == 1 else None
    for op in BY_CODE]
cdef int ROWS[256]                      # of an op of rows, how many it takes
cdef int CALLS[256]                     # of an op that needs no constants, the number of inputs, or of rows, negative
cdef double DEFAULTS[256]               # of the constant of an op that has one, and one input
for code, op in enumerate(BY_CODE):
    if op is None:
        continue
    place_of(<void*>op)[0] = Known(<void*>op, code)
    default = op.constants.get(ONE_CONSTANT[code])
    DEFAULTS[code] = default or 0.0
    ROWS[code] = len(op.inputs) if op.rows else 0
    CALLS[code] = 0 if op.constants and default is None else -ROWS[code] or len(op.inputs)

if VALUE.tp_basicsize > NODE_BYTES or sizeof(Arena) > HEAD_BYTES:
    raise ImportError(f"a node takes {VALUE.tp_basicsize} bytes here, and the head of an arena {sizeof(Arena)}")
VALUE.tp_vectorcall = call_value
VALUE.tp_alloc, VALUE.tp_dealloc, VALUE.tp_free = allocate, deallocate, give_node_back
for name in ("data", "grad", "parents", "local_grads"):
    setattr(Value, f"_{name}", vars(Value)[name])
for name in ("parents", "local_grads", "is_plain"):         # whoever sets one gets Python's own words for it
    setattr(Value, name, property(vars(Value)[name].__get__, doc=getattr(Pure, name).__doc__))
    vars(Value)[name].__set_name__(Value, name)
for name, thing in vars(Pure).items():
    ours = vars(Value).get(name)
    if ours is None and name not in Pure.__slots__ + ("__dict__", "__weakref__"):
        setattr(Value, name, thing)
    elif callable(ours) and getattr(thing, "__doc__", None) and hasattr(ours, "__code__"):
        ours.__doc__ = thing.__doc__
Value.__doc__, Value.__name__, Value.__module__ = Pure.__doc__, Pure.__name__, Pure.__module__
for function in (constant, topological_order, live_values):
    pure = getattr(shared, function.__name__)
    function.__doc__, function.__module__ = pure.__doc__, pure.__module__
(<PyTypeObject*>Op).tp_call = <ternaryfunc>call_op           # `Op.__call__` by its name stays the method in Python
