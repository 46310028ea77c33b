using System.Collections.Concurrent;
using CsCheck;
using DistNet.Kernels;
using DistNet.Modules;
using Xunit;

namespace DistNet.Tests.Kernels;

public sealed class ConvolutionTests
{
    private static readonly ConcurrentDictionary<(ConvolutionShape, int, string, string), float[]> Expected = new();

    // Channels, outputs, groups, then each axis as input, kernel, stride, dilation, padding before and after.
    private static readonly ConvolutionShape[] Small =
    [
        new(1, 1, 1, new(1, 1, 1, 1, 0, 0), new(1, 1, 1, 1, 0, 0)),
        new(2, 3, 1, new(1, 3, 1, 1, 1, 1), new(1, 3, 1, 1, 1, 1)),
        new(3, 5, 1, new(5, 1, 1, 1, 0, 0), new(7, 1, 1, 1, 0, 0)),
        new(1, 4, 1, new(5, 3, 1, 1, 1, 1), new(6, 3, 1, 1, 1, 1)),
        new(2, 3, 1, new(7, 3, 3, 1, 1, 1), new(8, 3, 3, 1, 1, 1)),
        new(2, 3, 1, new(5, 1, 2, 1, 0, 0), new(6, 1, 2, 1, 0, 0)),
        new(2, 2, 1, new(5, 2, 3, 1, 0, 0), new(9, 2, 4, 1, 2, 2)),
        new(1, 2, 1, new(9, 3, 1, 2, 2, 2), new(8, 3, 2, 3, 1, 1)),
        new(4, 6, 2, new(5, 3, 1, 1, 1, 1), new(5, 3, 1, 1, 0, 0)),
        new(3, 3, 3, new(4, 3, 1, 1, 1, 1), new(5, 3, 2, 1, 1, 1)),
        new(3, 6, 3, new(4, 2, 1, 1, 0, 1), new(4, 4, 1, 1, 1, 2)),
        new(2, 17, 1, new(3, 3, 1, 1, 2, 2), new(3, 3, 2, 1, 3, 3)),
        new(2, 3, 1, new(3, 3, 7, 1, 0, 0), new(9, 3, 7, 1, 0, 0)),
    ];

    // Odd widths, more than a panel of channels, more pixels than a chunk or a block, steps within one axis alone.
    private static readonly ConvolutionShape[] Larger =
    [
        new(13, 33, 1, new(6, 3, 1, 1, 1, 1), new(17, 3, 1, 1, 1, 1)),
        new(26, 50, 2, new(5, 3, 2, 1, 1, 1), new(13, 1, 1, 1, 0, 0)),
        new(37, 16, 1, new(4, 1, 1, 1, 0, 0), new(9, 1, 1, 1, 0, 0)),
        new(5, 12, 1, new(29, 5, 2, 1, 2, 2), new(31, 5, 2, 1, 2, 2)),
        new(3, 20, 1, new(11, 7, 2, 1, 3, 3), new(12, 7, 2, 1, 3, 3)),
        new(20, 20, 20, new(12, 3, 1, 1, 1, 1), new(15, 3, 1, 1, 1, 1)),
        new(20, 40, 20, new(9, 3, 2, 1, 1, 1), new(10, 3, 2, 1, 1, 1)),
        new(2, 3, 1, new(20, 3, 1, 1, 1, 1), new(40, 3, 1, 4, 4, 4)),
        new(2, 3, 1, new(3, 1, 1, 1, 0, 0), new(600, 3, 1, 1, 1, 1)),
        new(4, 5, 1, new(300, 3, 1, 1, 0, 0), new(2, 2, 1, 1, 0, 0)),
        new(5, 35, 1, new(40, 3, 1, 1, 1, 1), new(40, 3, 1, 1, 1, 1)),
        new(2, 3, 1, new(83, 3, 2, 1, 1, 1), new(71, 3, 2, 1, 1, 1)),
        new(1, 2, 1, new(3, 1, 1, 1, 0, 0), new(1100, 3, 1, 1, 0, 0)),

        // Fewer rows than the stride: a phase of the input gradient has no pixel.
        new(2, 3, 1, new(2, 3, 3, 1, 2, 2), new(40, 3, 1, 1, 1, 1)),
    ];

    // By Winograd: the fewest channels and odd counts; whole tiles, half ones in rows and columns; padding on each side from none to more than the kernel reaches; and shapes just beside the rule, in
    // turn for 3×3 and 1×n outputs, channels, outputs, strides, dilation, groups and kernels.
    private static readonly ConvolutionShape[] ByWinograd =
    [
        new(16, 16, 1, new(4, 3, 1, 1, 0, 0), new(4, 3, 1, 1, 0, 0)),
        new(16, 17, 1, new(2, 3, 1, 1, 1, 1), new(2, 3, 1, 1, 1, 1)),
        new(17, 16, 1, new(3, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(18, 20, 1, new(5, 3, 1, 1, 1, 1), new(3, 3, 1, 1, 1, 1)),
        new(17, 33, 1, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(16, 18, 1, new(5, 3, 1, 1, 1, 1), new(8, 3, 1, 1, 1, 1)),
        new(16, 16, 1, new(3, 3, 1, 1, 0, 3), new(4, 3, 1, 1, 2, 1)),
        new(19, 16, 1, new(2, 3, 1, 1, 3, 3), new(5, 3, 1, 1, 3, 0)),
        new(16, 21, 1, new(1, 3, 1, 1, 2, 1), new(1, 3, 1, 1, 1, 2)),
        new(16, 16, 1, new(1, 3, 1, 1, 3, 3), new(2, 3, 1, 1, 0, 3)),
        new(22, 16, 1, new(6, 3, 1, 1, 0, 2), new(7, 3, 1, 1, 1, 3)),
        new(16, 16, 1, new(3, 3, 1, 1, 5, 4), new(2, 3, 1, 1, 6, 1)),
        new(16, 16, 1, new(3, 3, 1, 1, 1, 1), new(3, 3, 1, 1, 1, 1)),
        new(16, 16, 1, new(3, 3, 1, 1, 0, 0), new(8, 3, 1, 1, 1, 1)),
        new(15, 16, 1, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(16, 15, 1, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(16, 16, 1, new(5, 3, 2, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(16, 16, 1, new(4, 3, 1, 1, 1, 1), new(8, 3, 2, 1, 1, 1)),
        new(16, 16, 1, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 2, 2, 2)),
        new(32, 32, 2, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(16, 16, 1, new(4, 3, 1, 1, 1, 1), new(4, 2, 1, 1, 1, 0)),
    ];

    // More channels and outputs than a panel, more tiles than a block, rows and columns longer than the other axis.
    private static readonly ConvolutionShape[] LargerByWinograd =
    [
        new(33, 50, 1, new(7, 3, 1, 1, 1, 1), new(7, 3, 1, 1, 1, 1)),
        new(40, 64, 1, new(9, 3, 1, 1, 1, 1), new(14, 3, 1, 1, 1, 1)),
        new(17, 33, 1, new(28, 3, 1, 1, 2, 1), new(9, 3, 1, 1, 0, 1)),
        new(16, 17, 1, new(40, 3, 1, 1, 1, 1), new(40, 3, 1, 1, 1, 1)),
        new(40, 97, 1, new(4, 3, 1, 1, 3, 0), new(8, 3, 1, 1, 1, 2)),
        new(150, 16, 1, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(16, 150, 1, new(4, 3, 1, 1, 0, 0), new(6, 3, 1, 1, 0, 0)),
        new(18, 16, 1, new(2, 3, 1, 1, 1, 1), new(301, 3, 1, 1, 1, 1)),
        new(16, 18, 1, new(301, 3, 1, 1, 1, 1), new(2, 3, 1, 1, 1, 1)),
    ];

    // Depthwise: channels about a vector and two; pixels of a row about 4 and 8; strides with and without an input left over, above the kernel too; dilations; padding on each side from none to more than the
    // kernel reaches; a single output; kernels of one tap, about nine taps and two nines; and just beside the rule, in turn for one channel, two outputs a channel, and groups of two channels.
    private static readonly ConvolutionShape[] ByChannels =
    [
        new(2, 2, 2, new(4, 3, 1, 1, 1, 1), new(4, 3, 1, 1, 1, 1)),
        new(15, 15, 15, new(1, 1, 1, 1, 0, 0), new(1, 1, 1, 1, 0, 0)),
        new(16, 16, 16, new(1, 3, 1, 1, 1, 1), new(1, 3, 1, 1, 1, 1)),
        new(16, 16, 16, new(3, 3, 1, 1, 1, 1), new(9, 3, 1, 1, 1, 1)),
        new(17, 17, 17, new(5, 3, 2, 1, 1, 1), new(8, 3, 2, 1, 1, 1)),
        new(18, 18, 18, new(4, 3, 2, 1, 0, 1), new(14, 3, 2, 1, 0, 1)),
        new(33, 33, 33, new(2, 3, 1, 1, 1, 1), new(5, 3, 1, 1, 1, 1)),
        new(16, 16, 16, new(5, 3, 1, 1, 0, 0), new(13, 3, 1, 1, 0, 0)),
        new(20, 20, 20, new(5, 5, 1, 1, 2, 2), new(7, 5, 1, 1, 2, 2)),
        new(12, 12, 12, new(6, 5, 2, 1, 2, 2), new(9, 5, 3, 1, 1, 0)),
        new(9, 9, 9, new(7, 3, 1, 2, 2, 2), new(8, 3, 2, 3, 3, 1)),
        new(16, 16, 16, new(6, 2, 3, 1, 0, 0), new(11, 2, 4, 1, 2, 2)),
        new(16, 16, 16, new(3, 2, 1, 1, 4, 0), new(4, 2, 1, 1, 0, 5)),
        new(10, 10, 10, new(3, 3, 7, 1, 0, 0), new(9, 3, 7, 1, 0, 0)),
        new(16, 16, 16, new(4, 1, 2, 1, 0, 0), new(5, 1, 3, 1, 1, 1)),
        new(11, 11, 11, new(4, 2, 1, 1, 3, 0), new(6, 5, 1, 1, 2, 2)),
        new(1, 1, 1, new(4, 3, 1, 1, 1, 1), new(5, 3, 1, 1, 1, 1)),
        new(9, 18, 9, new(4, 3, 2, 1, 1, 1), new(5, 3, 2, 1, 1, 1)),
        new(16, 8, 8, new(4, 3, 1, 1, 1, 1), new(5, 3, 1, 1, 1, 1)),
    ];

    // More rows than a chunk and a band, rows longer than both, and taps further apart than a band.
    private static readonly ConvolutionShape[] LargerByChannels =
    [
        new(33, 33, 33, new(56, 3, 1, 1, 1, 1), new(57, 3, 1, 1, 1, 1)),
        new(16, 16, 16, new(101, 5, 2, 1, 2, 2), new(50, 5, 2, 1, 2, 2)),
        new(17, 17, 17, new(60, 3, 3, 2, 1, 3), new(61, 3, 2, 5, 4, 0)),
        new(8, 8, 8, new(3, 3, 1, 1, 1, 1), new(2300, 3, 1, 1, 1, 1)),
        new(16, 16, 16, new(2300, 3, 2, 1, 1, 1), new(2, 3, 1, 1, 1, 1)),
        new(8, 8, 8, new(90, 3, 1, 30, 30, 30), new(70, 2, 1, 1, 1, 0)),
    ];

    public static TheoryData<string> Units => [.. VectorUnit.Available().Select(unit => unit.ToString())];

    [Theory]
    [MemberData(nameof(Units))]
    public void Every_small_convolution_has_the_bits_of_plain_chains(string name)
    {
        foreach (ConvolutionShape shape in Small)
        {
            Check(Unit(name), shape, samples: 3);
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Many_channels_and_odd_widths_have_the_bits_of_plain_chains(string name)
    {
        VectorUnit unit = Unit(name);
        foreach (ConvolutionShape shape in unit.Emulated ? Larger.AsSpan(5, 1) : Larger)
        {
            Check(unit, shape, samples: unit.Emulated ? 1 : 5);
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Convolutions_by_Winograd_have_the_bits_of_plain_tiles(string name)
    {
        VectorUnit unit = Unit(name);
        foreach (ConvolutionShape shape in ByWinograd)
        {
            Check(unit, shape, samples: unit.Emulated ? 1 : 3);
        }

        foreach (ConvolutionShape shape in unit.Emulated ? [] : LargerByWinograd)
        {
            Check(unit, shape, samples: shape.OutputPixels > 500 ? 1 : 3);
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Depthwise_convolutions_have_the_bits_of_plain_chains(string name)
    {
        VectorUnit unit = Unit(name);
        foreach (ConvolutionShape shape in ByChannels)
        {
            Check(unit, shape, samples: unit.Emulated ? 1 : 3);
        }

        foreach (ConvolutionShape shape in unit.Emulated ? [] : LargerByChannels)
        {
            Check(unit, shape, samples: 1);
        }
    }

    [Fact]
    public void Every_depthwise_shape_has_the_bits_of_plain_chains() =>
        Gen.Select(Gen.Int[2, 40], Axes, Axes, Gen.Int[1, 3]).Where((_, rows, columns, _) => rows.Output > 0 && columns.Output > 0).Sample(
            (channels, rows, columns, samples) => Check(VectorUnit.Widest, new ConvolutionShape(channels, channels, channels, rows, columns), samples),
            iter: 200);

    [Fact]
    public void Every_shape_by_Winograd_has_the_bits_of_plain_tiles() =>
        Gen.Select(Gen.Int[16, 70], Gen.Int[16, 70], WinogradAxes, WinogradAxes, Gen.Int[1, 2]).Where((_, _, rows, columns, _) => rows.Output > 0 && columns.Output > 0).Sample(
            (channels, outputs, rows, columns, samples) => Check(VectorUnit.Widest, new ConvolutionShape(channels, outputs, 1, rows, columns), samples),
            iter: 30);

    [Fact]
    public void Every_shape_has_the_bits_of_plain_chains() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 5], Gen.Int[1, 3], Axes, Axes).Where((_, _, _, rows, columns) => rows.Output > 0 && columns.Output > 0).Sample(
            (channels, outputs, groups, rows, columns) => Check(VectorUnit.Widest, new ConvolutionShape(channels * groups, outputs * groups, groups, rows, columns), samples: 2),
            iter: 400);

    // Without padding the pixels are read where they lie, in vectors, of which none may reach beyond the operand.
    [Theory]
    [MemberData(nameof(Units))]
    public void Rows_of_any_length_are_read_to_their_end_and_no_further(string name)
    {
        VectorUnit unit = Unit(name);
        ConvolutionShape[] known =
        [
            new(16, 32, 1, new(28, 2, 2, 1, 0, 0), new(28, 2, 2, 1, 0, 0)), new(8, 32, 1, new(16, 1, 2, 1, 0, 0), new(16, 1, 2, 1, 0, 0)),
            new(2, 3, 1, new(40, 1, 1, 1, 0, 0), new(5, 1, 7, 1, 0, 0)), new(2, 3, 1, new(40, 1, 2, 1, 0, 0), new(18, 1, 1, 1, 0, 0)),
        ];
        foreach (ConvolutionShape shape in unit.Emulated ? known.AsSpan(2) : known)
        {
            Check(unit, shape, samples: 1);
        }

        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 5], PlainAxes, PlainAxes).Where((_, _, rows, columns) => rows.Output > 0 && columns.Output > 0).Sample(
            (channels, outputs, rows, columns) => Check(unit, new ConvolutionShape(channels, outputs, 1, rows, columns), samples: 1),
            iter: unit.Emulated ? 20 : 200);
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Every_count_of_slices_is_combined_as_the_tree_says(string name)
    {
        VectorUnit unit = Unit(name);
        for (int count = 0; count <= 19; count++)
        {
            SliceRows[] slices = [.. Enumerable.Range(0, count).Select(slice => new SliceRows(slice * 3, slice % 4))];
            CheckParameterGradients(unit, Small[4], (count * 3) + 3, slices);
            CheckParameterGradients(unit, ByWinograd[2], (count * 3) + 3, slices);
            CheckParameterGradients(unit, ByChannels[4], (count * 3) + 3, slices);
        }
    }

    [Fact]
    public void A_slice_of_many_samples_is_one_chain()
    {
        ConvolutionShape shape = new(13, 18, 1, new(6, 3, 1, 1, 1, 1), new(5, 3, 1, 1, 1, 1));
        foreach (ConvolutionShape each in (ConvolutionShape[])[shape, shape with { Channels = 17 }, shape with { Channels = 18, Groups = 18 }])
        {
            CheckParameterGradients(VectorUnit.Widest, each, 90, [new(0, 40), new(40, 1), new(41, 49)]);
        }
    }

    // Threads may split outputs anywhere; what the others write is left alone.
    [Theory]
    [MemberData(nameof(Units))]
    public void Weight_gradients_of_any_outputs_are_written_and_no_others(string name)
    {
        foreach (ConvolutionShape shape in (ConvolutionShape[])[ByWinograd[4], ByChannels[6]])
        {
            SliceRows[] slices = [new(0, 2), new(2, 0), new(2, 1)];
            Numbers random = new(shape.WeightLength);
            float[] input = random.Floats(3 * shape.InputLength), gradient = random.Floats(3 * shape.OutputLength), all = PlainConvolutions.WeightGradient(shape, input, gradient, slices);
            using GuardedFloats scratch = new(random.Floats(Convolution.WeightGradientScratch(shape, slices.Length)));
            foreach ((int from, int to) in ((int, int)[])[(0, 0), (0, 1), (1, 2), (3, 20), (15, 17), (16, 33), (31, 33), (5, 33), (33, 33)])
            {
                float[] expected = Bits.Unwritten(all.Length), found = Bits.Unwritten(all.Length);
                all.AsSpan((from * shape.Taps)..(to * shape.Taps)).CopyTo(expected.AsSpan(from * shape.Taps));
                Convolution.WeightGradient(Unit(name), shape, input, gradient, slices, found, from, to, scratch);
                Bits.Equal(expected, found, $"{name}: {shape}, outputs {from} to {to}");
            }
        }
    }

    [Fact]
    public void A_scratch_for_many_samples_serves_fewer() =>
        Gen.Select(Gen.Int[0, 9].Select(index => index < 4 ? Larger[index] : index < 8 ? LargerByWinograd[index - 4] : LargerByChannels[index - 8]), Gen.Int[0, 300], Gen.Int[0, 40]).Sample((shape, samples, slices) =>
        {
            Assert.InRange(Convolution.ForwardScratch(shape, samples + 1), Convolution.ForwardScratch(shape, samples), int.MaxValue);
            Assert.InRange(Convolution.InputGradientScratch(shape, samples + 1), Convolution.InputGradientScratch(shape, samples), int.MaxValue);
            Assert.InRange(Convolution.WeightGradientScratch(shape, slices + 1), Convolution.WeightGradientScratch(shape, slices), int.MaxValue);
        });

    private static Gen<WindowAxis> Axes =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 3], Gen.Int[0, 4], Gen.Int[0, 4]).Select((input, kernel, stride, dilation, before, after) =>
            new WindowAxis(input, kernel, stride, dilation, before, after));

    private static Gen<WindowAxis> PlainAxes =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 3], Gen.Int[1, 3]).Select((input, kernel, stride) => new WindowAxis(input, kernel, stride, 1, 0, 0));

    private static Gen<WindowAxis> WinogradAxes => Gen.Select(Gen.Int[1, 12], Gen.Int[0, 3], Gen.Int[0, 3]).Select((input, before, after) => new WindowAxis(input, 3, 1, 1, before, after));

    private static VectorUnit Unit(string name) => VectorUnit.Available().Single(unit => unit.ToString() == name);

    // Operands, results and scratch end at guarded pages.
    private static void Check(VectorUnit unit, ConvolutionShape shape, int samples)
    {
        Numbers random = new(shape.WeightLength + samples);
        string what = $"{unit}: {shape}";
        float[] input = random.Floats(samples * shape.InputLength), weight = random.Floats(shape.WeightLength), bias = shape.Channels % 2 == 0 ? random.Floats(shape.Outputs) : [];
        using GuardedFloats guardedInput = new(input), guardedWeight = new(weight), guardedBias = new(bias), output = new(random.Floats(samples * shape.OutputLength));
        using GuardedFloats forwardScratch = new(random.Floats(Convolution.ForwardScratch(shape, samples)));
        Convolution.Forward(unit, shape, samples, guardedInput, guardedWeight, guardedBias, output, forwardScratch);
        Bits.Equal(Once((shape, samples, "", "forward"), () => PlainConvolutions.Forward(shape, samples, input, weight, bias)), output, $"{what}, forward");

        float[] gradient = random.Floats(samples * shape.OutputLength);
        using GuardedFloats guardedGradient = new(gradient), inputGradient = new(random.Floats(input.Length));
        using GuardedFloats scratch = new(random.Floats(Convolution.InputGradientScratch(shape, samples)));
        Convolution.InputGradient(unit, shape, samples, guardedGradient, guardedWeight, inputGradient, scratch);
        Bits.Equal(Once((shape, samples, "", "input gradient"), () => PlainConvolutions.InputGradient(shape, samples, gradient, weight)), inputGradient, $"{what}, input gradient");
        CheckParameterGradients(unit, shape, samples, samples == 1 ? [new(0, 1)] : [new(0, samples / 2), new(samples / 2, samples - (samples / 2))]);
    }

    // The operands are a function of shape, samples and slices: what is expected of them is computed for one vector unit and kept for the others.
    private static float[] Once((ConvolutionShape Shape, int Samples, string Slices, string What) of, Func<float[]> plain) => Expected.GetOrAdd(of, _ => plain());

    // Operands, results and scratch end at guarded pages.
    private static void CheckParameterGradients(VectorUnit unit, ConvolutionShape shape, int samples, SliceRows[] slices)
    {
        Numbers random = new(shape.WeightLength + slices.Length);
        string what = $"{unit}: {shape} of {slices.Length} slices";
        float[] input = random.Floats(samples * shape.InputLength), gradient = random.Floats(samples * shape.OutputLength);
        int middle = shape.Outputs / 3;
        using GuardedFloats guardedInput = new(input), guardedGradient = new(gradient), weights = new(random.Floats(shape.WeightLength)), bias = new(random.Floats(shape.Outputs));
        using GuardedFloats scratch = new(random.Floats(Convolution.WeightGradientScratch(shape, slices.Length)));
        Convolution.WeightGradient(unit, shape, guardedInput, guardedGradient, slices, weights, 0, middle, scratch);
        Convolution.WeightGradient(unit, shape, guardedInput, guardedGradient, slices, weights, middle, shape.Outputs, scratch);
        Bits.Equal(Once((shape, samples, string.Join(' ', slices), "weight gradient"), () => PlainConvolutions.WeightGradient(shape, input, gradient, slices)), weights, $"{what}, weight gradient");

        using GuardedFloats biasScratch = new(random.Floats(SliceSum.Scratch(shape.Outputs, slices.Length)));
        Conv2d.BiasTerm term = new() { Unit = unit, OutputGradient = guardedGradient, Outputs = shape.Outputs, Pixels = shape.OutputPixels };
        SliceSum.Run(slices, ref term, bias, 0, middle, biasScratch);
        SliceSum.Run(slices, ref term, bias, middle, shape.Outputs, biasScratch);
        Bits.Equal(PlainConvolutions.BiasGradient(shape, gradient, slices), bias, $"{what}, bias gradient");
    }
}
