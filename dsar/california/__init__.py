"""What the CCPA wants besides the rights themselves: a register of requests, yearly metrics, and the categories."""
