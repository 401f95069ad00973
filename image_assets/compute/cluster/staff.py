"""All actors of a driver: hired where there is a post, replaced when they are lost."""

import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from image_assets.compute.cluster.hire import Hire
from image_assets.compute.cluster.nodes import look_around
from image_assets.compute.cluster.posts import PostsOn
from image_assets.errors import ConfigurationError

_MOST_LOSSES_IN_A_ROW: Final = 5
_MOST_WORDS: Final = 400
"""Of what Ray says: who, where, how; then comes what it might have been."""

_LOOK_EVERY_S: Final = 10.0
"""Nodes may join while a stream goes on."""

_log = logging.getLogger(__name__)


class Staff:
    """Actors of one kind; outlives a stream, so that the next one finds them warm."""

    def __init__(self, posts_on: PostsOn, *, is_lake_shared: bool) -> None:
        """`is_lake_shared` tells whether other machines see what the work reads and writes."""
        self.hires: list[Hire[Any]] = []
        self._posts_on = posts_on
        self._is_lake_shared = is_lake_shared
        self._losses_in_a_row = 0
        self._looked_at = float("-inf")

    def fill_posts(self) -> None:
        """Hire for every post without an actor, if it is time to look.

        Raises:
            ConfigurationError: there is no post, or other machines do not see the lake.
        """
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        posts = self._posts_on(look_around(is_lake_shared=self._is_lake_shared))
        if not posts:
            raise ConfigurationError("no node of the Ray cluster has what the work needs: start one, then run it again")
        self._looked_at = time.monotonic()
        filled = {hire.post for hire in self.hires}
        self.hires += [Hire[Any](post, sys.path) for post in posts if post not in filled]

    def lose(self, hire: Hire[Any], why: Exception) -> None:
        """Strike off who was lost; its post is filled again. ConfigurationError when that happens again and again."""
        self.hires.remove(hire)
        hire.dismiss()
        self._looked_at = float("-inf")
        self._losses_in_a_row += 1
        where, cause = hire.post.node.address, " ".join(str(why).split())[:_MOST_WORDS]
        _log.warning("lost the actor on %s, its items go to others: %s", where, cause)
        if self._losses_in_a_row >= _MOST_LOSSES_IN_A_ROW:
            raise ConfigurationError(
                f"{self._losses_in_a_row} actors in a row were lost and did nothing between them; the last, on "
                f"{where}: {cause} … Look at the memory of the nodes, and at what is installed there"
            ) from why

    def praise(self) -> None:
        """Somebody has done something."""
        self._losses_in_a_row = 0

    def settle(self) -> None:
        """Keep those who have answered everything for the next stream, and end the others."""
        self._end([hire for hire in self.hires if hire.calls])

    def disband(self) -> None:
        """End everybody at once."""
        self._end(list(self.hires))

    def _end(self, leaving: Sequence[Hire[Any]]) -> None:
        for hire in leaving:
            self.hires.remove(hire)
            hire.dismiss()
        self._looked_at = float("-inf")
