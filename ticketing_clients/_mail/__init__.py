"""What the e-mail client is made of: how a message is written, how it is sent, and how the mailbox is read."""
