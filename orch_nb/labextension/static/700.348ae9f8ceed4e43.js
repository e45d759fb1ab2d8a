"use strict";(self.rspackChunk_orch_nb=self.rspackChunk_orch_nb||[]).push([[700],{646(r,e,o){var t=o(601),n=o.n(t),a=o(314),i=(o.n(a))()(n());i.push([r.id,`.jp-OrchSidebar {
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font-size: var(--jp-ui-font-size1);
  min-width: 240px;
  overflow-y: auto;
  padding: 8px 12px;
}

.jp-OrchSidebar p {
  margin: 4px 0;
  overflow-wrap: anywhere;
}

.jp-OrchSidebar pre {
  background: var(--jp-layout-color2);
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
  padding: 4px 8px;
  user-select: text;
}

.jp-OrchSection {
  border-top: var(--jp-border-width) solid var(--jp-border-color2);
  margin-top: 8px;
  padding: 6px 0 2px;
}

.jp-OrchSection > summary {
  cursor: pointer;
  margin-bottom: 4px;
}

.jp-OrchSection h2 {
  display: inline;
  font-size: var(--jp-ui-font-size1);
  font-weight: 600;
}

.jp-OrchSidebar :focus-visible,
.jp-OrchStatus :focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: 1px;
}

.jp-OrchRow {
  align-items: center;
  display: flex;
  gap: 8px;
  justify-content: space-between;
  margin: 4px 0;
}

.jp-OrchRow > span:first-child {
  min-width: 52px;
  overflow-wrap: anywhere;
}

.jp-OrchRow select {
  flex: 0 1 65%;
  min-width: 0;
}

.jp-OrchSidebar select.jp-mod-styled,
.jp-OrchSidebar input.jp-mod-styled,
.jp-OrchSidebar button.jp-mod-styled {
  font-size: var(--jp-ui-font-size1);
  height: 26px;
  line-height: 24px;
  padding: 0 6px;
}

.jp-OrchSidebar select.jp-mod-styled {
  appearance: auto;
}

.jp-OrchSlider input {
  accent-color: var(--jp-brand-color1);
  flex: 1;
  min-width: 0;
}

.jp-OrchFilter {
  box-sizing: border-box;
  width: 100%;
}

.jp-OrchNumber {
  font-variant-numeric: tabular-nums;
  min-width: 3.2em;
  text-align: right;
  white-space: nowrap;
}

.jp-OrchQuiet {
  color: var(--jp-ui-font-color2);
  font-size: var(--jp-ui-font-size0);
}

.jp-OrchError {
  border-left: 3px solid var(--jp-error-color1);
  padding-left: 6px;
}

.jp-OrchBusy {
  overflow-wrap: anywhere;
}

.jp-OrchStop:disabled {
  cursor: default;
  opacity: 0.5;
}

.jp-OrchSpend {
  font-weight: 600;
}

.jp-OrchBar {
  background: var(--jp-layout-color3);
  border-radius: 3px;
  display: flex;
  height: 8px;
  overflow: hidden;
}

.jp-OrchBar > [data-kind='known'] {
  background: var(--jp-brand-color1);
}

.jp-OrchBar > [data-kind='estimated'] {
  background: var(--jp-warn-color1);
}

.jp-OrchBar > [data-kind='unknown'] {
  background: var(--jp-ui-font-color3);
}

.jp-OrchBar > [data-kind='reserved'] {
  background: repeating-linear-gradient(45deg, var(--jp-ui-font-color3) 0 2px, transparent 2px 4px);
}

.jp-OrchBar.jp-mod-full {
  box-shadow: 0 0 0 1px var(--jp-error-color1);
}

.jp-OrchModels,
.jp-OrchRanking,
.jp-OrchCalls {
  list-style: none;
  margin: 0;
  padding: 0;
}

.jp-OrchRanking {
  list-style: decimal;
  padding-left: 20px;
}

.jp-OrchModels > li,
.jp-OrchRanking > li {
  margin: 4px 0;
}

.jp-OrchModels label {
  align-items: baseline;
  display: flex;
}

.jp-OrchModels input {
  accent-color: var(--jp-brand-color1);
  margin: 0 6px 0 0;
}

.jp-OrchModels .jp-OrchQuiet {
  padding-left: 19px;
}

.jp-OrchName {
  overflow-wrap: anywhere;
}

.jp-OrchModels .jp-mod-off .jp-OrchName {
  color: var(--jp-ui-font-color3);
}

.jp-OrchCalls button,
.jp-OrchLink,
.jp-OrchStatus button {
  background: none;
  border: none;
  color: inherit;
  cursor: pointer;
  font: inherit;
  text-align: left;
}

.jp-OrchCalls button {
  border-radius: 2px;
  display: flex;
  flex-direction: column;
  padding: 3px 4px;
  width: 100%;
}

.jp-OrchCalls button:disabled {
  cursor: default;
}

.jp-OrchCalls button:hover:enabled {
  background: var(--jp-layout-color2);
}

.jp-OrchCalls button > span {
  max-width: 100%;
  overflow: hidden;
  text-overflow: ellipsis;
}

.jp-OrchPrompt {
  white-space: nowrap;
}

.jp-OrchLink {
  color: var(--jp-content-link-color);
  padding: 0;
  text-decoration: underline;
}

.jp-OrchStatus {
  align-items: center;
  display: flex;
}

.jp-OrchStatus button {
  height: 100%;
  max-width: 40em;
  overflow: hidden;
  padding: 0 6px;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.jp-OrchStatus button:hover {
  background: var(--jp-layout-color3);
}

.jp-OrchBadge {
  border: var(--jp-border-width) solid var(--jp-border-color2);
  border-radius: 9px;
  color: var(--jp-ui-font-color2);
  font-size: var(--jp-ui-font-size0);
  line-height: 16px;
  margin: 2px 8px 0 auto;
  max-width: 70%;
  overflow: hidden;
  padding: 0 8px;
  text-overflow: ellipsis;
  white-space: nowrap;
  width: fit-content;
}

.jp-OrchPlaceholder {
  border-radius: 2px;
  box-shadow: 0 0 0 1px var(--jp-brand-color1);
  font-weight: 600;
}
`,""]),o.d(e,{},{A:i})},314(r){r.exports=function(r){var e=[];return e.toString=function(){return this.map(function(e){var o="",t=void 0!==e[5];return e[4]&&(o+="@supports (".concat(e[4],") {")),e[2]&&(o+="@media ".concat(e[2]," {")),t&&(o+="@layer".concat(e[5].length>0?" ".concat(e[5]):""," {")),o+=r(e),t&&(o+="}"),e[2]&&(o+="}"),e[4]&&(o+="}"),o}).join("")},e.i=function(r,o,t,n,a){"string"==typeof r&&(r=[[null,r,void 0]]);var i={};if(t)for(var p=0;p<this.length;p++){var c=this[p][0];null!=c&&(i[c]=!0)}for(var l=0;l<r.length;l++){var d=[].concat(r[l]);t&&i[d[0]]||(void 0!==a&&(void 0===d[5]||(d[1]="@layer".concat(d[5].length>0?" ".concat(d[5]):""," {").concat(d[1],"}")),d[5]=a),o&&(d[2]&&(d[1]="@media ".concat(d[2]," {").concat(d[1],"}")),d[2]=o),n&&(d[4]?(d[1]="@supports (".concat(d[4],") {").concat(d[1],"}"),d[4]=n):d[4]="".concat(n)),e.push(d))}},e}},601(r){r.exports=function(r){return r[1]}},72(r){var e=[];function o(r){for(var o=-1,t=0;t<e.length;t++)if(e[t].identifier===r){o=t;break}return o}function t(r,t){for(var n={},a=[],i=0;i<r.length;i++){var p=r[i],c=t.base?p[0]+t.base:p[0],l=n[c]||0,d="".concat(c," ").concat(l);n[c]=l+1;var s=o(d),u={css:p[1],media:p[2],sourceMap:p[3],supports:p[4],layer:p[5]};if(-1!==s)e[s].references++,e[s].updater(u);else{var h=function(r,e){var o=e.domAPI(e);return o.update(r),function(e){e?(e.css!==r.css||e.media!==r.media||e.sourceMap!==r.sourceMap||e.supports!==r.supports||e.layer!==r.layer)&&o.update(r=e):o.remove()}}(u,t);t.byIndex=i,e.splice(i,0,{identifier:d,updater:h,references:1})}a.push(d)}return a}r.exports=function(r,n){var a=t(r=r||[],n=n||{});return function(r){r=r||[];for(var i=0;i<a.length;i++){var p=o(a[i]);e[p].references--}for(var c=t(r,n),l=0;l<a.length;l++){var d=o(a[l]);0===e[d].references&&(e[d].updater(),e.splice(d,1))}a=c}}},659(r){var e={};r.exports=function(r,o){var t=function(r){if(void 0===e[r]){var o=document.querySelector(r);if(window.HTMLIFrameElement&&o instanceof window.HTMLIFrameElement)try{o=o.contentDocument.head}catch(r){o=null}e[r]=o}return e[r]}(r);if(!t)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");t.appendChild(o)}},540(r){r.exports=function(r){var e=document.createElement("style");return r.setAttributes(e,r.attributes),r.insert(e,r.options),e}},56(r,e,o){r.exports=function(r){var e=o.nc;e&&r.setAttribute("nonce",e)}},825(r){r.exports=function(r){if("u"<typeof document)return{update:function(){},remove:function(){}};var e=r.insertStyleElement(r);return{update:function(o){var t,n,a;t="",o.supports&&(t+="@supports (".concat(o.supports,") {")),o.media&&(t+="@media ".concat(o.media," {")),(n=void 0!==o.layer)&&(t+="@layer".concat(o.layer.length>0?" ".concat(o.layer):""," {")),t+=o.css,n&&(t+="}"),o.media&&(t+="}"),o.supports&&(t+="}"),(a=o.sourceMap)&&"u">typeof btoa&&(t+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(a))))," */")),r.styleTagTransform(t,e,r.options)},remove:function(){var r;null===(r=e).parentNode||r.parentNode.removeChild(r)}}}},113(r){r.exports=function(r,e){if(e.styleSheet)e.styleSheet.cssText=r;else{for(;e.firstChild;)e.removeChild(e.firstChild);e.appendChild(document.createTextNode(r))}}},959(r,e,o){var t=o(72),n=o.n(t),a=o(825),i=o.n(a),p=o(659),c=o.n(p),l=o(56),d=o.n(l),s=o(540),u=o.n(s),h=o(113),f=o.n(h),j=o(646),v={};v.styleTagTransform=f(),v.setAttributes=d(),v.insert=c().bind(null,"head"),v.domAPI=i(),v.insertStyleElement=u(),n()(j.A,v),j.A&&j.A.locals&&j.A.locals}}]);