"""It takes memory, 100 MB at a time, up to 1 GB."""

kept = []


def harm():
    for _ in range(10):
        kept.append([0] * (100 * 2**20 // 8))
    return True
