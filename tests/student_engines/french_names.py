"""Names that are not English: the backward pass is known by what it does."""
import math
class Noeud:
    def __init__(self, valeur, enfants=(), nom=""):
        self.valeur = valeur
        self.gradient = 0.0
        self.enfants = enfants
        self.nom = nom
        self._retro = lambda: None
    def __add__(self, autre):
        autre = autre if isinstance(autre, Noeud) else Noeud(autre)
        s = Noeud(self.valeur + autre.valeur, (self, autre))
        def retro():
            self.gradient += s.gradient
            autre.gradient += s.gradient
        s._retro = retro
        return s
    def __mul__(self, autre):
        autre = autre if isinstance(autre, Noeud) else Noeud(autre)
        s = Noeud(self.valeur * autre.valeur, (self, autre))
        def retro():
            self.gradient += autre.valeur * s.gradient
            autre.gradient += self.valeur * s.gradient
        s._retro = retro
        return s
    def __radd__(self, a): return self + a
    def __rmul__(self, a): return self * a
    def __neg__(self): return self * -1
    def __sub__(self, a): return self + (-a)
    def __rsub__(self, a): return a + (-self)
    def tanh(self):
        t = math.tanh(self.valeur)
        s = Noeud(t, (self,))
        def retro(): self.gradient += (1 - t ** 2) * s.gradient
        s._retro = retro
        return s
    def retropropagation(self):
        ordre, vus = [], set()
        def visiter(n):
            if n not in vus:
                vus.add(n)
                for e in n.enfants: visiter(e)
                ordre.append(n)
        visiter(self)
        self.gradient = 1.0
        for n in reversed(ordre): n._retro()
