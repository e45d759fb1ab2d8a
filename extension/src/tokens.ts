import { LabIcon } from '@jupyterlab/ui-components';

export const PLUGIN = '@orch/nb:plugin';

/** The commands, as the schema's menus, toolbar and shortcuts name them. */
export const COMMANDS = {
  open: 'orch-nb:open-sidebar',
  toggle: 'orch-nb:toggle-prompt',
  strategy: 'orch-nb:choose-strategy',
  model: 'orch-nb:choose-model',
  compare: 'orch-nb:run-in-compare',
  costs: 'orch-nb:show-costs',
  refresh: 'orch-nb:refresh-models',
  stop: 'orch-nb:stop'
} as const;

/** One prompt that may go three ways. */
export const orchIcon = new LabIcon({
  name: 'orch-nb:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="none" stroke="#616161" stroke-width="2">
    <path d="M6 12h11M7 11C11 11 11 5 17 5M7 13c4 0 4 6 10 6"/>
    <circle cx="4.5" cy="12" r="2.5"/><circle cx="19.5" cy="5" r="2"/>
    <circle cx="19.5" cy="12" r="2"/><circle cx="19.5" cy="19" r="2"/>
  </g>
</svg>`
});
