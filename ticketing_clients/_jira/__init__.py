"""What the clients of Jira and Jira Service Management share: one platform, two products on it."""
