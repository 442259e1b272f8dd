"""It writes one file of 4 MB."""


def harm():
    try:
        with open("file", "wb") as file:
            file.write(bytes(2**22))
    except OSError:
        return False
    return True
