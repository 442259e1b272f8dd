/* Memory for nodes, side by side in arenas of 2 MiB: a page of memory each, where the system has
   such large ones, so that graphs of millions of nodes are made and walked at the speed of small
   ones.  An arena whose nodes are all gone goes back to the system, but for a few. */

#include <stdint.h>
#include <stdlib.h>
#ifdef _WIN32
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif

#ifdef _MSC_VER
#include <intrin.h>
#endif

#define ARENA ((size_t)2 << 20)
#define EMPTY_KEPT 32
#define NODE_BYTES 80                         /* what a node takes, at most */
#define HEAD_BYTES 3392                       /* what the head of an arena takes, at most */
#define NODES ((ARENA - HEAD_BYTES) / NODE_BYTES)
#define WORDS ((NODES + 63) / 64)

/* Nodes are taken from the lowest address on, so that what is made together lies together, however
   often nodes come and go. */
typedef struct Arena {
    struct Arena *next, *previous;      /* among those with room */
    size_t used;                        /* nodes in use, and places at hand */
    size_t first;                       /* no place before this word is vacant */
    uint64_t vacant[WORDS];             /* a bit for each place */
} Arena;

static Arena *with_room = NULL;
static int empty_arenas = 0;

static inline int lowest_bit(uint64_t word) {
#ifdef _MSC_VER
    unsigned long place;
    _BitScanForward64(&place, word);
    return (int)place;
#else
    return __builtin_ctzll(word);
#endif
}

/* Ask for large pages, in as far as memory fills such. */
static void prefer_large_pages(void *memory, size_t size) {
#ifdef MADV_HUGEPAGE
    uintptr_t first = ((uintptr_t)memory + ARENA - 1) & ~(uintptr_t)(ARENA - 1);
    uintptr_t end = ((uintptr_t)memory + size) & ~(uintptr_t)(ARENA - 1);
    if (first < end) madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)memory; (void)size;
#endif
}

static void link_arena(Arena *arena) {
    arena->previous = NULL;
    arena->next = with_room;
    if (with_room) with_room->previous = arena;
    with_room = arena;
}

static void unlink_arena(Arena *arena) {
    if (arena->next) arena->next->previous = arena->previous;
    if (arena->previous) arena->previous->next = arena->next;
    else with_room = arena->next;
}

/* From the system itself where that is known how: `free` may keep what it is given. */
static void *map_arena(void) {
#if defined(_WIN32)
    return _aligned_malloc(ARENA, ARENA);
#elif defined(__linux__)
    char *memory = mmap(NULL, 2 * ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    size_t before = -(uintptr_t)memory & (ARENA - 1);
    if (before) munmap(memory, before);
    munmap(memory + before + ARENA, ARENA - before);
    return memory + before;
#else
    void *memory;
    return posix_memalign(&memory, ARENA, ARENA) ? NULL : memory;
#endif
}

static void unmap_arena(void *memory) {
#if defined(_WIN32)
    _aligned_free(memory);
#elif defined(__linux__)
    munmap(memory, ARENA);
#else
    free(memory);
#endif
}

static Arena *new_arena(void) {
    Arena *arena = map_arena();
    if (!arena) return NULL;
    prefer_large_pages(arena, ARENA);
    arena->used = arena->first = 0;
    for (size_t word = 0; word < WORDS; word++) arena->vacant[word] = ~(uint64_t)0;
    if (NODES % 64) arena->vacant[WORDS - 1] = ((uint64_t)1 << NODES % 64) - 1;
    empty_arenas++;
    link_arena(arena);
    return arena;
}

static void free_arena(Arena *arena) {
    unlink_arena(arena);
    empty_arenas--;
    unmap_arena(arena);
}

/* Places are taken from an arena a word of bits at a time, and handed out one by one. */
static uint64_t at_hand = 0;            /* a bit for each of up to 64 places */
static char *first_at_hand;

static inline int count_bits(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    return (int)(((word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

static int take_places(void) {
    Arena *arena = with_room;
    if (!arena && !(arena = new_arena())) return 0;
    while (!arena->vacant[arena->first]) arena->first++;
    at_hand = arena->vacant[arena->first];
    first_at_hand = (char *)arena + HEAD_BYTES + arena->first * 64 * NODE_BYTES;
    arena->vacant[arena->first] = 0;
    if (arena->used == 0) empty_arenas--;
    arena->used += count_bits(at_hand);
    if (arena->used == NODES) unlink_arena(arena);
    return 1;
}

/* Memory for a node, or NULL where there is no more. */
static inline void *take_node(void) {
    if (!at_hand && !take_places()) return NULL;
    void *node = first_at_hand + lowest_bit(at_hand) * NODE_BYTES;
    at_hand &= at_hand - 1;
    return node;
}

static inline void give_node_back(void *p) {
    Arena *arena = (Arena *)((uintptr_t)p & ~(uintptr_t)(ARENA - 1));
    size_t place = ((char *)p - (char *)arena - HEAD_BYTES) / NODE_BYTES;
    if (arena->used == NODES) link_arena(arena);
    arena->vacant[place / 64] |= (uint64_t)1 << place % 64;
    if (place / 64 < arena->first) arena->first = place / 64;
    if (--arena->used == 0 && ++empty_arenas > EMPTY_KEPT) free_arena(arena);
}

/* What was made shortly before a node lies before it in memory, and is mostly looked at next. */
static inline void expect_earlier(void *node) {
#ifdef __GNUC__
    __builtin_prefetch((void *)((uintptr_t)node - 8 * NODE_BYTES));
#else
    (void)node;
#endif
}
