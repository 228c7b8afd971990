"use strict";
// Chooses the phone's time zone, unless a person has chosen one.
{
  const list = document.querySelector("select[data-guess]");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (list && zone) {
    if (!Array.from(list.options).some((o) => o.value === zone)) list.add(new Option(zone.replace(/_/g, " "), zone));
    list.value = zone;
  }
}
