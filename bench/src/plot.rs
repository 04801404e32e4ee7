//! Cost against tenants, as a picture.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::*;

use crate::Failed;
use crate::measure::Row;

/// Tenants and seconds.
type Points = Vec<(f64, f64)>;

/// Draws a line for each thing that was measured, and a dashed one for its floor, both axes logarithmic: what grows in
/// proportion is a slope of one.
pub fn draw(path: &Path, rows: &[Row]) -> Result<(), Failed> {
    let mut lines: BTreeMap<&str, (Points, Points)> = BTreeMap::new();
    // What was measured with one tenant is what it costs to start.
    for row in rows.iter().filter(|row| row.tenants > 1) {
        let tenants = f64::from(u32::try_from(row.tenants)?);
        let (line, floor) = lines.entry(row.what).or_default();
        line.push((tenants, row.seconds));
        floor.extend(row.floor.map(|seconds| (tenants, seconds)));
    }
    if lines.is_empty() {
        return Ok(());
    }
    let points = || lines.values().flat_map(|(line, floor)| line.iter().chain(floor));
    let least = |pick: fn(&(f64, f64)) -> f64| points().map(pick).fold(f64::INFINITY, f64::min);
    let most = |pick: fn(&(f64, f64)) -> f64| points().map(pick).fold(0.0, f64::max);
    let area = SVGBackend::new(path, (900, 540)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(
            (least(|point| point.0) * 0.9..most(|point| point.0) * 1.1).log_scale(),
            (least(|point| point.1) * 0.8..most(|point| point.1) * 1.3).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("tenants")
        .y_desc("seconds; dashed: the floor")
        .draw()?;
    for (n, (what, (line, floor))) in lines.iter().enumerate() {
        let colour = Palette99::pick(n).to_rgba();
        let series = LineSeries::new(line.iter().copied(), colour.stroke_width(2)).point_size(3);
        chart
            .draw_series(series)?
            .label(*what)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        let dashed = DashedLineSeries::new(floor.iter().copied(), 4, 4, colour.stroke_width(1));
        chart.draw_series(dashed)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(BLACK)
        .background_style(WHITE.mix(0.7))
        .draw()?;
    area.present()?;
    Ok(())
}
