import { Throttler } from '@lumino/polling';
import * as React from 'react';

import { percent } from '../figures';
import { IWeights } from '../messages';
import { TERMS, Term, rebalance, shares } from '../shares';
import { visible } from '../visible';
import { IPart } from './part';

/** Chosen: as often as a hand notices, and a tenth of what a moving slider emits. */
const SENT_EVERY_MS = 100;
/** How long after the last move a slider keeps its own place: the kernel's echo needs less. */
const SETTLED_MS = 1000;

/** Strategies that look at the weights. */
const WEIGHED = ['weighted', 'adaptive'];

/** The strategy, and how much cost, quality and speed count. */
export function Choosing({ state, send, trans }: IPart): React.JSX.Element {
  const { strategy } = state;
  const choose = (name: string) => send({ type: 'set', strategy: name });
  const names = state.strategies.includes(strategy)
    ? state.strategies
    : [strategy, ...state.strategies];
  return (
    <>
      <label className="jp-OrchRow">
        <span>{trans.__('strategy')}</span>
        <select
          className="jp-mod-styled jp-OrchStrategy"
          value={strategy}
          onChange={event => choose(event.target.value)}
        >
          {names.map(name => (
            <option key={name} value={name}>
              {visible(name)}
            </option>
          ))}
        </select>
      </label>
      <Sliders state={state} send={send} trans={trans} />
      {!WEIGHED.includes(strategy) && (
        <p className="jp-OrchQuiet">
          {trans.__('%1 does not use the weights', visible(strategy))}{' '}
          {state.strategies.includes('weighted') && (
            <button className="jp-OrchLink" onClick={() => choose('weighted')}>
              {trans.__('use weighted')}
            </button>
          )}
        </p>
      )}
    </>
  );
}

function Sliders({ state, send, trans }: IPart): React.JSX.Element {
  const [held, hold] = React.useState<IWeights | null>(null);
  const latest = React.useRef({ send, weights: state.weights });
  latest.current.send = send;
  const throttle = React.useMemo(
    () =>
      new Throttler(() => latest.current.send({ type: 'set', weights: latest.current.weights }), {
        limit: SENT_EVERY_MS,
        edge: 'trailing'
      }),
    []
  );
  React.useEffect(() => () => throttle.dispose(), [throttle]);
  React.useEffect(() => {
    const settled = held && window.setTimeout(() => hold(null), SETTLED_MS);
    return () => window.clearTimeout(settled ?? undefined);
  }, [held]);

  const shown = shares(held ?? state.weights);
  const names: Record<Term, string> = {
    cost: trans.__('cost'),
    quality: trans.__('quality'),
    speed: trans.__('speed')
  };
  const move = (term: Term, share: number) => {
    const moved = rebalance(shown, term, share);
    latest.current.weights = moved;
    hold(moved);
    void throttle.invoke();
  };
  return (
    <>
      {TERMS.map(term => (
        <label key={term} className="jp-OrchRow jp-OrchSlider">
          <span>{names[term]}</span>
          <input
            type="range"
            min={0}
            max={100}
            value={Math.round(shown[term] * 100)}
            data-term={term}
            aria-valuetext={percent(shown[term])}
            onChange={event => move(term, Number(event.target.value) / 100)}
          />
          <span className="jp-OrchNumber">{percent(shown[term])}</span>
        </label>
      ))}
    </>
  );
}
