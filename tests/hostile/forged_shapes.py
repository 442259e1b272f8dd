"""It answers by the right token and name, in the right JSON, with everything of another kind than it should be."""

import os
import sys

SHAPES = ['5', '[]', '[5]', '[{}]', '[{"values": 5, "grads": 7, "error": null}]', '"text"', '{"a": 1}', 'null',
          '[{"values": {"c": 5}, "grads": [5], "error": 5}]', '[{"values": {"c": "nan"}, "grads": [{"a": "x"}], "error": null}]']
sent = []


def harm():
    frame = sys._getframe()
    while "answers" not in frame.f_locals:
        frame = frame.f_back
    request = frame.f_locals["request"]
    if "graphs" in request["body"]:
        name, graphs = request["body"]["id"], SHAPES[len(sent) % len(SHAPES)]
        sent.append(name)
        answer = f'{{"id": "{name}", "graphs": {graphs}, "modules": 5, "seconds": "now"}}'
        os.write(frame.f_locals["answers"], f'\n{request["token"]} {answer}\n'.encode())
    return False
