"""The vocabulary of the places in a network, in the order in which they are listed."""

RESIDUAL, DEPTHWISE, POST, STAGE = "residual", "depthwise", "post", "stage"
ATTENTION = "attention"
WORDS = {
    RESIDUAL: "the end of a residual branch, just before it is added to its shortcut",
    DEPTHWISE: "after a depthwise convolution and what normalises and activates it",
    POST: "after that addition, and what activates it",
    STAGE: "the last feature map of each resolution",
    ATTENTION: "in place of the attention that is there; or a block's name, of that kind alone",
}
# In place of a block: takes out the attention that is there, and puts nothing in.
NONE = "none"
