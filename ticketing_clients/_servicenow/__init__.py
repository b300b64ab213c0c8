"""ServiceNow: how its APIs are asked, what people did on a record, and what the doctor asks."""
