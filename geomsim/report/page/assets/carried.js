// Values of the left graph's nodes as values of the right one's, along the transport plan.

/**
 * A column of left nodes as a column of the `n` right ones: the plan-weighted mean of numbers (barycentric projection),
 * the category with most mass of categories. Nodes that no mass reaches have NaN or -1, as have those that only take
 * mass of nodes without a value.
 */
export function carriedColumn(column, plan, n) {
  return column.kind === "number" ? carriedNumbers(column, plan, n) : carriedCategories(column, plan, n);
}

function carriedNumbers(column, plan, n) {
  const total = new Float64Array(n);
  const mass = new Float64Array(n);
  for (let cell = 0; cell < plan.n; cell++) {
    const value = column.values[plan.left[cell]];
    if (Number.isNaN(value)) continue;
    total[plan.right[cell]] += plan.mass[cell] * value;
    mass[plan.right[cell]] += plan.mass[cell];
  }
  const values = Float32Array.from(total, (sum, node) => (mass[node] > 0 ? sum / mass[node] : NaN));
  return {name: column.name, kind: "number", values};
}

function carriedCategories(column, plan, n) {
  const masses = Array.from({length: n}, () => null);
  for (let cell = 0; cell < plan.n; cell++) {
    const category = column.values[plan.left[cell]];
    if (category < 0 || !(plan.mass[cell] > 0)) continue;
    const node = plan.right[cell];
    masses[node] ??= new Map();
    masses[node].set(category, (masses[node].get(category) ?? 0) + plan.mass[cell]);
  }
  const values = Int32Array.from(masses, carriedHeaviest);
  return {name: column.name, kind: "category", values, categories: column.categories};
}

/** The category with most mass, the first of equals; -1 without any. */
function carriedHeaviest(masses) {
  let best = -1;
  for (const [category, mass] of masses ?? []) {
    const ahead = best < 0 || mass > masses.get(best) || (mass === masses.get(best) && category < best);
    if (ahead) best = category;
  }
  return best;
}
