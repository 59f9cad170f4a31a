// One state for all views: what is chosen, pointed at, selected and looked for.

/** A store whose listeners are called at once, each once a change, with the state and where the change came from. */
export function createStore(initial) {
  const state = { ...initial };
  const listeners = new Map();
  let number = 0;

  function set(changes, origin = "") {
    const changed = Object.keys(changes).filter((key) => state[key] !== changes[key]);
    if (!changed.length) return;
    Object.assign(state, changes);
    for (const { keys, listener } of [...listeners.values()]) {
      if (keys.some((key) => changed.includes(key))) listener(state, origin, changed);
    }
  }

  function on(keys, listener) {
    const own = number++;
    listeners.set(own, { keys, listener });
    return () => listeners.delete(own);
  }

  return { state, set, on };
}

/** Whether two targets of `hover` or `pinned` are the same. */
export function sameTarget(one, other) {
  if (!one || !other) return one === other;
  return ["type", "side", "row", "node", "link", "graph"].every((part) => one[part] === other[part]);
}
