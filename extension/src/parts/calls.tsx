import * as React from 'react';

import { dollars, seconds } from '../figures';
import { ICall } from '../messages';
import { visible } from '../visible';
import { IPart } from './part';

interface ICalls extends IPart {
  /** Go to the cell of this id. */
  reveal: (cell: string) => void;
}

/** The last calls with their route; each leads to its cell. */
export function Calls({ state, reveal, trans }: ICalls): React.JSX.Element {
  if (state.calls.length === 0) {
    return <p className="jp-OrchQuiet">{trans.__('nothing was asked yet')}</p>;
  }
  return (
    <ol className="jp-OrchCalls">
      {state.calls.map(call => (
        <li key={call.number}>
          <button
            disabled={call.cell === null}
            title={
              call.cell === null ? trans.__('asked outside a cell') : trans.__('show the cell')
            }
            data-outcome={call.outcome}
            onClick={() => call.cell !== null && reveal(call.cell)}
          >
            <span className="jp-OrchPrompt">
              {call.number}. {visible(call.prompt)}
            </span>
            <span className="jp-OrchQuiet">{summary(call, trans.__('cached'))}</span>
            {call.trail && <span className="jp-OrchQuiet">{visible(call.trail)}</span>}
          </button>
        </li>
      ))}
    </ol>
  );
}

function summary(call: ICall, cached: string): string {
  return [
    ...(call.model === null ? [] : [visible(call.model)]),
    ...(call.outcome === 'ok' ? [] : [visible(call.outcome)]),
    dollars(call.cost),
    seconds(call.seconds),
    ...(call.cached ? [cached] : [])
  ].join(' · ');
}
