import * as React from 'react';

import { dollars } from '../figures';
import { ISpend } from '../messages';
import { IPart } from './part';

const KINDS = ['known', 'estimated', 'unknown', 'reserved'] as const;

/** What may be gone of a limit: all that is not surely free. */
export function spent(spend: ISpend): number {
  return KINDS.reduce((sum, kind) => sum + spend[kind], 0);
}

/** The budget that is shown where there is room for one: that of the session before the hour's. */
export function budget(spend: ISpend): { spent: number; limit: number } | null {
  const { session, hour } = spend.limits;
  if (session !== null) {
    return { spent: spent(spend), limit: session };
  }
  return hour === null ? null : { spent: spend.hour, limit: hour };
}

/** Spend as known + estimated + up to unknown, and a bar for each limit. */
export function Spend({ state: { spend }, trans }: IPart): React.JSX.Element {
  const parts = [
    dollars(spend.known),
    ...(spend.estimated ? [trans.__('+ %1 estimated', dollars(spend.estimated))] : []),
    ...(spend.unknown ? [trans.__('+ up to %1 unknown', dollars(spend.unknown))] : []),
    ...(spend.reserved ? [trans.__('+ %1 held', dollars(spend.reserved))] : [])
  ];
  const { task, pipeline, session, hour } = spend.limits;
  return (
    <>
      <p className="jp-OrchSpend">{parts.join(' ')}</p>
      {session !== null && (
        <Bar
          label={trans.__('this session')}
          limit={session}
          shares={KINDS.map(kind => [kind, spend[kind]])}
        />
      )}
      {hour !== null && (
        <Bar label={trans.__('the last hour')} limit={hour} shares={[['known', spend.hour]]} />
      )}
      <p className="jp-OrchQuiet">
        {[
          ...(session === null && hour === null ? [trans.__('no limit is set')] : []),
          ...(task !== null ? [trans.__('at most %1 a call', dollars(task))] : []),
          ...(pipeline !== null ? [trans.__('at most %1 a pipeline', dollars(pipeline))] : []),
          ...(spend.saved ? [trans.__('the cache saved %1', dollars(spend.saved))] : [])
        ].join(' · ')}
      </p>
    </>
  );
}

interface IBar {
  label: string;
  limit: number;
  shares: [string, number][];
}

function Bar({ label, limit, shares }: IBar): React.JSX.Element {
  const sum = shares.reduce((total, [, amount]) => total + amount, 0);
  // a limit of nothing is used up, and what is over it shows no more than all of it
  const width = (amount: number) => (100 * amount) / Math.max(limit, sum, Number.MIN_VALUE);
  const text = `${dollars(sum)} / ${dollars(limit)}`;
  return (
    <div className="jp-OrchBudget">
      <div className="jp-OrchRow">
        <span>{label}</span>
        <span>{text}</span>
      </div>
      <div
        className={sum >= limit ? 'jp-OrchBar jp-mod-full' : 'jp-OrchBar'}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(sum, limit)}
        aria-valuetext={text}
      >
        {shares.map(([kind, amount]) => (
          <span key={kind} data-kind={kind} style={{ width: `${width(amount)}%` }} />
        ))}
      </div>
    </div>
  );
}
