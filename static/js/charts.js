// Bars beside the tables of the analytics page; the table is the truth, the chart its picture.
import { $$ } from "./app.js";

const charts = [];

function draw() {
  // Resolved, as a canvas knows no variables of a style sheet.
  const ink = getComputedStyle(document.body).color;
  for (const chart of charts.splice(0)) chart.dispose();
  for (const place of $$("[data-chart]")) {
    const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    const chart = window.echarts.init(place, null, { renderer: "canvas" });
    chart.setOption({
      animation: false,
      grid: { left: 8, right: 72, top: 8, bottom: 8, containLabel: true },
      xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: {
        type: "category",
        inverse: true,
        data: data.names,
        axisLabel: { color: ink, width: 130, overflow: "truncate" },
        axisLine: { show: false },
        axisTick: { show: false },
      },
      series: [
        {
          type: "bar",
          data: data.values,
          barMaxWidth: 22,
          itemStyle: { color: "#4299e1", borderRadius: [0, 3, 3, 0] },
          label: { show: true, position: "right", color: ink, formatter: (bar) => data.texts[bar.dataIndex] },
        },
      ],
    });
    charts.push(chart);
  }
}

addEventListener("DOMContentLoaded", draw);
if (document.readyState !== "loading" && window.echarts) draw();
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
