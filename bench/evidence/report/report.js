// Interactive curves: hover for values, click the legend to hide a variant, a button for the seeds.
"use strict";

const SEED_OPACITY = 0.4;

// Plotly reads a few tags in texts.
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function traces(plot, environments) {
  const looks = Object.fromEntries(plot.variants.map((each) => [each.name, each]));
  const labelled = new Set();
  return plot.curves.flatMap((curve) => {
    const place = environments.indexOf(curve.environment) + 1;
    const look = looks[curve.variant];
    const first = !labelled.has(curve.variant);
    labelled.add(curve.variant);
    const shared = {
      type: "scatter", mode: "lines", xaxis: `x${place}`, yaxis: `y${place}`,
      legendgroup: curve.variant, showlegend: false, x: curve.grid,
    };
    const edge = { ...shared, line: { width: 0 }, hoverinfo: "skip" };
    const seeds = Object.entries(curve.seeds).map(([seed, values]) => ({
      ...shared, y: values, name: `${plain(look.title)}, seed ${seed}`, meta: "seed",
      line: { color: look.colour, width: 0.8 }, opacity: 0, hoverinfo: "skip",
    }));
    return [
      { ...edge, y: curve.low },
      { ...edge, y: curve.high, fill: "tonexty", fillcolor: `${look.colour}26` },
      ...seeds,
      {
        ...shared, y: curve.centre, name: plain(look.title), showlegend: first, meta: "centre",
        line: { color: look.colour, width: 2, dash: look.dash },
        customdata: curve.low.map((low, i) => [low, curve.high[i]]),
        hovertemplate: "%{y:,.4~g} (%{customdata[0]:,.4~g} to %{customdata[1]:,.4~g})",
      },
    ];
  });
}

function layout(plot, environments, data) {
  const columns = Math.min(environments.length, environments.length > 4 ? 3 : 2);
  const rows = Math.ceil(environments.length / columns);
  const legend = 28 * Math.ceil(plot.variants.length / 5);
  const seeds = data.flatMap((trace, i) => (trace.meta === "seed" ? [i] : []));
  const seedsAt = (opacity, hoverinfo) => [{ opacity, hoverinfo }, seeds];
  const made = {
    height: 90 + legend + 270 * rows, margin: { l: 60, r: 15, t: 70, b: 50 }, hovermode: "x unified",
    font: { size: 13 }, paper_bgcolor: "white", plot_bgcolor: "white",
    grid: { rows, columns, pattern: "independent", xgap: 0.12, ygap: 0.28 },
    legend: { orientation: "h", y: 1, yref: "container", yanchor: "top" },
    updatemenus: [{
      type: "buttons", direction: "right", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom",
      buttons: [
        { label: "every seed", method: "restyle", args: seedsAt(SEED_OPACITY, "y+name") },
        { label: "no seeds", method: "restyle", args: seedsAt(0, "skip") },
      ],
    }],
    annotations: environments.map((name, i) => ({
      text: `<b>${plain(name)}</b>`, showarrow: false,
      xref: `x${i + 1} domain`, yref: `y${i + 1} domain`, x: 0, y: 1, yanchor: "bottom",
    })),
  };
  environments.forEach((_, i) => {
    made[`xaxis${i + 1}`] = { title: { text: plot.x }, rangemode: "tozero", gridcolor: "#eee" };
    made[`yaxis${i + 1}`] = { gridcolor: "#eee", zeroline: false };
  });
  made.yaxis1.title = { text: "episode return [raw reward]" };
  return made;
}

for (const [id, plot] of Object.entries(JSON.parse(document.getElementById("plots").textContent))) {
  const place = document.getElementById(id);
  if (place === null) continue;
  const environments = [...new Set(plot.curves.map((curve) => curve.environment))];
  const data = traces(plot, environments);
  const config = { responsive: true, displaylogo: false };
  Plotly.newPlot(place, data, layout(plot, environments, data), config);
}

// What is new in an objective has a brace with that word under it; here it gets its colour too.
for (const brace of document.querySelectorAll("munder")) {
  if (brace.lastElementChild.textContent === "new") brace.classList.add("new");
}
