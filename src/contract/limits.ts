// Bounds that both ends of the control API know. Alone in a file, because a daemon needs them before it is ready.

/** Events that a daemon remembers. */
export const EVENTS_KEPT = 100;
