using DistNet.Kernels;

namespace DistNet.Modules;

/// <summary>Pools in double precision, by the plainest code.</summary>
internal static class PoolReference
{
    /// <summary>Writes each output from the elements of its window, in index order, and the number of the window's taps.</summary>
    public static void Write(ReferenceContext context, PlaneWindow window, Func<List<double>, int, double> pool)
    {
        List<double> elements = [];
        for (int output = 0; output < context.Output.Length; output++)
        {
            (int plane, int place) = Math.DivRem(output, window.OutputPlane);
            (int row, int column) = Math.DivRem(place, window.Columns.Output);
            elements.Clear();
            for (int tap = 0; tap < window.Taps; tap++)
            {
                int down = window.Rows.Start(row) + (tap / window.Columns.Kernel * window.Rows.Dilation);
                int along = window.Columns.Start(column) + (tap % window.Columns.Kernel * window.Columns.Dilation);
                if (down >= 0 && down < window.Rows.Input && along >= 0 && along < window.Columns.Input)
                {
                    elements.Add(context.Input(0)[(plane * window.Plane) + (down * window.Columns.Input) + along]);
                }
            }

            context.Output[output] = pool(elements, window.Taps);
        }
    }
}
