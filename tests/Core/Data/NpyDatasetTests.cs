using System.Text;
using System.Text.Json;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;

namespace DistNet.Tests.Data;

public sealed class NpyDatasetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Arrays_of_every_type_are_read_as_NumPy_reads_them()
    {
        foreach (JsonElement golden in DataFileGoldens.Of("arrays").Where(golden => !golden.Name().Contains("npz", StringComparison.Ordinal)))
        {
            Dataset data = NpyDataset.LoadInputs(folder.Write("x.npy", golden.Bytes()));
            Assert.Equal(new Shape(2, 4), data.InputShape);
            Assert.Equal(golden.Numbers("values"), Inputs(data));
            Assert.Equal(golden.Name() == "|u1", data is ByteDataset);
            Assert.Equal(golden.Numbers("values"), Inputs(NpyDataset.LoadInputs(folder.Write("x.npy", Gzip(golden.Bytes())))));
        }
    }

    [Theory]
    [InlineData("npz", "inputs", "labels")]
    [InlineData("packed npz", "x", "y")]
    public void The_arrays_of_an_npz_file_go_by_name(string name, string inputs, string labels)
    {
        JsonElement golden = DataFileGoldens.Of("arrays").Single(golden => golden.Name() == name);
        string path = folder.Write("data.npz", golden.Bytes());
        Dataset data = NpyDataset.LoadNpz(path, inputs, labels, LossKind.CrossEntropy);
        Assert.Equal(golden.Numbers("values"), Inputs(data));
        Assert.Equal(["-9", "7"], data.ClassNames);
        Assert.Equal([1, 0, 1], data.Labels);
        Assert.StartsWith($"The npz file '{path}' has no array 'labls'; {(labels == "y" ? "known: 'x', 'y'" : "did you mean 'labels'?")}", Error(() => NpyDataset.LoadNpz(path, inputs, "labls", LossKind.CrossEntropy)));
    }

    [Fact]
    public void A_job_takes_a_pair_of_files_or_two_arrays_of_one()
    {
        JsonElement golden = DataFileGoldens.Of("arrays").Single(golden => golden.Name() == "npz");
        folder.Write("data.npz", golden.Bytes());
        folder.Write("x.npy", Npy("|u1", "(3, 2, 4)", [.. golden.Numbers("values").Select(value => (byte)value)]));
        folder.Write("y.npy", Npy("<i8", "(3,)", [.. new long[] { 7, -9, 7 }.SelectMany(BitConverter.GetBytes)]));
        DataOptions options = new() { Format = DataFormat.Npy, BaseFolder = folder.Path, Train = new(Inputs: "x.npy", Labels: "y.npy") };
        string[] fingerprints = [.. new[] { options, options with { Train = new("data.npz") }, options with { Train = new("data.npz", Inputs: "inputs", Labels: "labels") } }
            .Select(options => DataLoader.Load(options, LossKind.CrossEntropy, 1, null).Fingerprint)];
        Assert.Equal(fingerprints[0], fingerprints[1]);
        Assert.Equal(fingerprints[0], fingerprints[2]);
        Assert.Equal(["data.train.inputs", "data.train.labels"], DataFileKeys.Of(options).Select(file => file.Key));
        Assert.Equal(["data.train"], DataFileKeys.Of(options with { Train = new("data.npz", Inputs: "inputs", Labels: "labels") }).Select(file => file.Key));
    }

    [Fact]
    public void Labels_are_classes_or_targets_by_the_loss()
    {
        string inputs = folder.Write("x.npy", Npy("|u1", "(2, 2)", [1, 2, 3, 4]));
        string labels = folder.Write("y.npy", Npy("<f4", "(2, 3)", [.. new float[] { 1, 2, 3, 4, 5, 6.5f }.SelectMany(BitConverter.GetBytes)]));
        Dataset data = NpyDataset.Load(inputs, labels, LossKind.MeanSquaredError);
        Assert.Equal(3, data.TargetWidth);
        Assert.Equal([1, 2, 3, 4, 5, 6.5f], data.Targets);
        Assert.EndsWith("have the type f4; expected 1 dimension of whole numbers, as classes are.", Error(() => NpyDataset.Load(inputs, labels, LossKind.CrossEntropy)));
        string one = folder.Write("one.npy", Npy("|u1", "()", [1]));
        Assert.Equal($"The inputs in '{inputs}' and the labels in '{one}' differ in number: 2 samples, one number.", Error(() => NpyDataset.Load(inputs, one, LossKind.CrossEntropy)));
    }

    [Theory]
    [InlineData("fortran", "is in Fortran order (column by column); expected C order, as numpy.ascontiguousarray gives it.")]
    [InlineData("big", "has big-endian elements ('>f4'); expected little-endian ones, as array.astype('<f4') gives them.")]
    [InlineData("half", "has elements of the type '<f2'; expected f4, f8, b1, u1, i1, u2, i2, u4, i4 or i8.")]
    public void What_is_not_read_is_refused_by_name(string name, string sentence)
    {
        string path = folder.Write("x.npy", DataFileGoldens.Of("refused").Single(golden => golden.Name() == name).Bytes());
        Assert.Equal($"The npy array '{path}' {sentence}", Error(() => NpyDataset.LoadInputs(path)));
    }

    [Theory]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2)", "has a header that is not understood at its character 56")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "has a header that is not understood at its character 10")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}", "has the wrong length: its header [2, 3] promises 6 bytes of elements, found 4.")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3)}", "has the wrong length: its header [1, 3] promises 3 bytes of elements, found 4.")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647)}", "has the wrong length: its header [2147483647, 2147483647, 2147483647] promises over 4,398,046,511,103 bytes of elements, found 4.")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2)}", "has no samples: its shape begins with 0.")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2, -2)}", "has a header that is not understood at its character 54")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}", "has 1 dimension (is it a file of labels?); expected 2 to 4 for inputs: ")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}", "has the value NaN in sample 0 (element 0, byte 67); expected finite numbers in the range of a 32-bit float.")]
    public void A_header_that_is_wrong_is_refused_in_one_sentence(string header, string sentence)
    {
        byte[] text = Encoding.ASCII.GetBytes(header);
        string path = folder.Write("x.npy", [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, 0, .. text, 0, 0, 0xC0, 0x7F]);
        Assert.StartsWith($"The npy array '{path}' {sentence}", Error(() => NpyDataset.LoadInputs(path)));
    }

    [Fact]
    public void A_damaged_npz_file_is_refused()
    {
        byte[] bytes = DataFileGoldens.Of("arrays").Single(golden => golden.Name() == "npz").Bytes();
        int place = bytes.AsSpan().IndexOf(new byte[] { 10, 20, 30, 40 });
        bytes[place] ^= 1;
        string path = folder.Write("data.npz", bytes);
        Assert.Equal($"The file '{path}' is no whole npz file, or is damaged: the checksum of its array is wrong.", Error(() => NpyDataset.LoadNpz(path, "inputs", "labels", LossKind.CrossEntropy)));
    }

    [Fact]
    public void A_mapped_file_gives_the_same_samples_and_fingerprint_as_one_that_is_read_and_nothing_of_it_is_in_the_heap()
    {
        const int Count = 5000, Features = 97;
        float[] values = [.. Enumerable.Range(0, Count * Features).Select(i => i / 7f)];
        byte[] bytes = [.. Enumerable.Range(0, Count * Features).Select(i => (byte)(i * 31))];
        string floats = folder.Write("f.npy", Npy("<f4", $"({Count}, {Features})", [.. values.SelectMany(BitConverter.GetBytes)]));
        string whole = folder.Write("b.npy", Npy("|u1", $"({Count}, {Features})", bytes));
        string idx = folder.Write("b.idx", Idx(8, [Count, Features], bytes));
        (NumberArray Mapped, NumberArray Read)[] pairs =
            [(NpyArray.Read(floats, 0), NpyArray.Read(floats)), (NpyArray.Read(whole, 0), NpyArray.Read(whole)), (IdxFile.Read(idx, 0), IdxFile.Read(idx))];
        foreach ((NumberArray mapped, NumberArray read) in pairs)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Dataset data = mapped.ToDataset(new Shape(Features), SampleLabels.None);
            string fingerprint = data.Fingerprint;
            int[] samples = [4999, 0, 17, 17, 2500];
            float[] gathered = new float[samples.Length * Features];
            data.CopyInputs(samples, gathered);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
            Assert.Equal(0, Allocation.OfQuietestRound(() => data.CopyInputs(samples, gathered)));

            Dataset expected = read.ToDataset(new Shape(Features), SampleLabels.None);
            Assert.IsType<MappedDataset>(data);
            Assert.IsNotType<MappedDataset>(expected);
            Assert.Equal(expected.Fingerprint, fingerprint);
            Assert.Equal(Inputs(expected), Inputs(data));
            Assert.Throws<InvalidOperationException>(() => data.CopyInputs([Count], gathered));
        }
    }

    [Fact]
    public void A_mapped_file_with_a_value_that_is_not_finite_is_refused_and_let_go_of()
    {
        string path = folder.Write("f.npy", Npy("<f4", "(2, 2)", [.. new[] { 1f, 2, 3, float.PositiveInfinity }.SelectMany(BitConverter.GetBytes)]));
        Assert.StartsWith($"The npy array '{path}' has the value Infinity in sample 1 (element 1, ", Error(() => ArrayDataset.OfInputs(NpyArray.Read(path, 0), null)));
        if (OperatingSystem.IsLinux())
        {
            Assert.DoesNotContain(path, File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
        }

        File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
    }

    /// <summary>An npy file as NumPy writes it, without padding.</summary>
    internal static byte[] Npy(string type, string shape, byte[] data)
    {
        byte[] header = Encoding.ASCII.GetBytes($"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. data];
    }

    private static string Error(Func<Dataset> load) => Assert.Throws<DistNetException>(load).Message;
}
