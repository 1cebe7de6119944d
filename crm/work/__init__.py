"""Work that is done later: leased rows, jobs, the queue. It does not know what the work is."""
