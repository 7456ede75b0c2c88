from hypothesis import Phase, settings

# Mutants are tried by the same examples every time, and a failure is enough: nobody reads its smallest form.
settings.register_profile(
    "mutate", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)
