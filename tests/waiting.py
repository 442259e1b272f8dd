"""How tests wait in pages whose policy forbids eval, by which Playwright's wait_for_function asks again."""


def until(page, condition, seconds=10):
    """Return once the condition, in JavaScript, holds in a page or a frame; fail where it never does."""
    for _ in range(seconds * 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"after {seconds} seconds this still does not hold: {condition}")
