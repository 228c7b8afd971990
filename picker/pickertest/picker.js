document.getElementById("all").onclick = () => {
  const boxes = [...document.querySelectorAll("[name=item]")];
  const on = boxes.some(b => !b.checked);
  boxes.forEach(b => b.checked = on);
};
