r"""A denoiser around a mean that is known from the condition.

Let words c tell the mean mu(c) of the clean data, and let what is left, x_0 - mu, have standard deviation d.
On the straight path

    x_t - (1 - t) mu = (1 - t) (x_0 - mu) + t eps,

which is the same path for the rest. So a denoiser D of the rest makes one of the whole,

    E[x_0 | x_t, c] = mu + D(x_t - (1 - t) mu, t, c),

and its network has only to learn what the words do not tell. Where t = 0 the answer is x_t itself.
"""

from typing import Any

from torch import Tensor, nn

from burnish.core.gaussian import Preconditioned, spread
from burnish.core.posterior import Posterior


class Centred(nn.Module):
    """See the module.

    Args:
        inner: A denoiser of the rest; its `deviation` is d.
        mean: `mean(condition, batch)` answers mu, (batch, *); `mean.show(condition, mu)` the condition that
        the
            inner network is told, with mu in it.
    """

    def __init__(self, inner: Preconditioned, mean: Any) -> None:
        super().__init__()
        self.inner, self.mean = inner, mean

    @property
    def net(self) -> nn.Module:
        """The network of the inner denoiser."""
        return self.inner.net

    def forward(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Posterior:
        """The posterior mean, (B, *); arguments as of `Preconditioned`."""
        mu = self.mean(condition, len(x_t)).to(x_t.dtype)
        rest = x_t - (1 - spread(t, x_t)) * mu
        return Posterior(mu + self.inner(rest, t, self.mean.show(condition, mu)).mean)
