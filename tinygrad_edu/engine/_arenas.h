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

#define ARENA ((size_t)2 << 20)
#define EMPTY_KEPT 32

typedef struct Arena {
    struct Arena *next, *previous;      /* among those with room */
    void *given_back;                   /* the first of these nodes; each begins with the address of the next */
    size_t used;                        /* nodes in use */
    size_t start, node;                 /* where memory begins that was never used, and how much a node takes */
} Arena;

static Arena *with_room = NULL;
static int empty_arenas = 0;

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

static int has_room(const Arena *arena) {
    return arena->given_back || arena->start + arena->node <= ARENA;
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

static Arena *new_arena(size_t node) {
    Arena *arena = map_arena();
    if (!arena) return NULL;
    prefer_large_pages(arena, ARENA);
    arena->given_back = NULL;
    arena->used = 0;
    arena->start = 128;
    arena->node = node;
    empty_arenas++;
    link_arena(arena);
    return arena;
}

static void free_arena(Arena *arena) {
    unlink_arena(arena);
    empty_arenas--;
    unmap_arena(arena);
}

/* Memory for a node, or NULL where there is no more. */
static inline void *take_node(size_t node) {
    Arena *arena = with_room;
    if (!arena && !(arena = new_arena(node))) return NULL;
    void *p = arena->given_back;
    if (p) {
        arena->given_back = *(void **)p;
    } else {
        p = (char *)arena + arena->start;
        arena->start += node;
    }
    if (arena->used++ == 0) empty_arenas--;
    if (!has_room(arena)) unlink_arena(arena);
    return p;
}

static inline void give_node_back(void *p) {
    Arena *arena = (Arena *)((uintptr_t)p & ~(uintptr_t)(ARENA - 1));
    if (!has_room(arena)) link_arena(arena);
    *(void **)p = arena->given_back;
    arena->given_back = p;
    if (--arena->used == 0 && ++empty_arenas > EMPTY_KEPT) free_arena(arena);
}
