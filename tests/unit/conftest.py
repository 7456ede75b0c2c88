from hypothesis import Phase, settings

# Mutants are tried by the same examples every time, and a failure is enough: nobody reads its smallest form.
settings.register_profile(
    "mutate", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)

# Everywhere else, too, the same examples each time: a find in somebody's run is for whoever searches, not a red check.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
