package simulation

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colours can be told apart by people who do not see red or green (Okabe, Ito).
var colours = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255},
	color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255}, color.RGBA{86, 86, 86, 255},
}

const (
	plotWidth  = 9 * vg.Inch
	panelHigh  = 2.6 * vg.Inch
	plotPoints = 288 // that a series is drawn with at most
)

// Plot draws the results' instances, calls and cold starts over time, and the
// curves, into an SVG or PNG file.
func Plot(file string, t *Trace, results []*Result, curves []Curve) error {
	var panels []*plot.Plot
	step := max(1, (t.Minutes+plotPoints-1)/plotPoints)
	for _, p := range []struct {
		title string
		of    func(m *Moment) int64
		sum   bool
		only  int // that many results; 0: all
	}{
		{"Instances", func(m *Moment) int64 { return m.Instances }, false, 0},
		{"Calls a minute", func(m *Moment) int64 { return m.Calls }, false, 1},
		{fmt.Sprintf("Cold starts in %d min", step), func(m *Moment) int64 { return m.ColdStarts }, true, 0},
	} {
		panel := newPanel(p.title, "hours")
		for i, r := range results {
			if p.only > 0 && i >= p.only {
				break
			}
			if err := line(panel, r.Name, colours[i%len(colours)], points(r.Series, step, p.sum, p.of), p.only == 0); err != nil {
				return err
			}
		}
		panels = append(panels, panel)
	}
	panel := newPanel("Cold starts for what idle instances cost", "instance-minutes")
	panel.Y.Scale, panel.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	for i, c := range curves {
		var xys plotter.XYs
		for _, p := range c.Points {
			xys = append(xys, plotter.XY{X: float64(p.InstanceMinutes), Y: math.Max(1, float64(p.ColdStarts))})
		}
		if err := line(panel, c.Name, colours[i%len(colours)], xys, true); err != nil {
			return err
		}
	}
	if len(curves) > 0 {
		panels = append(panels, panel)
	}
	return save(file, panels)
}

func newPanel(title, x string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, x
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	return p
}

func line(p *plot.Plot, name string, c color.Color, xys plotter.XYs, legend bool) error {
	if len(xys) == 0 {
		return nil
	}
	l, err := plotter.NewLine(xys)
	if err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	l.Color, l.Width = c, vg.Points(1.3)
	p.Add(l)
	if legend {
		p.Legend.Add(name, l)
	}
	return nil
}

// points are a series with steps minutes taken together: their mean, or sum.
func points(series []Moment, step int, sum bool, of func(m *Moment) int64) plotter.XYs {
	var xys plotter.XYs
	for from := 0; from < len(series); from += step {
		part := series[from:min(from+step, len(series))]
		total := int64(0)
		for i := range part {
			total += of(&part[i])
		}
		y := float64(total)
		if !sum {
			y /= float64(len(part))
		}
		xys = append(xys, plotter.XY{X: float64(from) / 60, Y: y})
	}
	return xys
}

// save draws panels above each other.
func save(file string, panels []*plot.Plot) error {
	high := panelHigh * vg.Length(len(panels))
	var canvas interface {
		vg.CanvasWriterTo
		vg.CanvasSizer
	}
	switch form := strings.ToLower(filepath.Ext(file)); form {
	case ".svg":
		canvas = vgsvg.New(plotWidth, high)
	case ".png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(plotWidth, high), vgimg.UseDPI(110), vgimg.UseBackgroundColor(color.White))}
	default:
		return fmt.Errorf("plot %s: a plot is an .svg or a .png file", file)
	}
	rows := make([][]*plot.Plot, len(panels))
	for i := range panels {
		rows[i] = panels[i : i+1]
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: vg.Points(8), PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(12)}
	for i, row := range plot.Align(rows, tiles, draw.New(canvas)) {
		panels[i].Draw(row[0])
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(out); err != nil {
		_ = out.Close() // the first error says what is wrong
		return fmt.Errorf("write %s: %w", file, err)
	}
	return out.Close()
}
