-- Figures stand as long as nothing is written: what was written is kept beside them.

COMMENT ON TABLE rastro.tally IS 'Figures for the operators'' pages, counted at the end of each run.';
COMMENT ON COLUMN rastro.tally.subject IS 'What was counted: shipment, delivery, notice, problem or coverage; newest_problem: what place the newest has; written: rows written ever.';
