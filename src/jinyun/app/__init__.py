"""The house put together: use cases in sentences, settings, jobs, assembly."""
