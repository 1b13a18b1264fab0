"""The kinds of danger that are told apart, because their answers differ."""

from typing import Literal, get_args

Category = Literal[
    "self_harm",  # suicide, and hurting oneself
    "touched",  # sexual abuse
    "stranger",  # somebody, mostly online, who wants to meet, wants pictures, follows
    "bullying",  # by other children
    "abuse",  # being hit, hurt, locked up, starved or threatened
    "violence",  # plans to hurt others, weapons at school
    "drugs",  # drugs, tobacco and alcohol
    "running_away",
    "eating",  # not eating, or vomiting, to be thin
    "sad_news",  # a death, a divorce, a grave illness: sympathy, but no danger
]
CATEGORIES: tuple[Category, ...] = get_args(Category)  # where several fit, the first counts
