using DistNet.Graphs;
// The kernels' speed, beside the limit of the machine measured in the same process.
//
//     dotnet run -c Release --project bench/Kernels -- peak                  one line of JSON: FMA and copy limits of one core
//     dotnet run -c Release --project bench/Kernels -- products              JSON: the products of Linear layers of many sizes (bench/compare_products.py)
//     dotnet run -c Release --project bench/Kernels -- convolutions [NAME]   a table of the products of convolutions of many sizes
//     dotnet run -c Release --project bench/Kernels -- memory [NAME]         a table of the kernels bound by memory, beside a stream copy
//     dotnet run -c Release --project bench/Kernels -- step [BATCH] [mlp|cnn|residual]    a table: what each node and phase of a step takes, beside the limit
//     dotnet run -c Release --project bench/Kernels -- --filter '*'          every kernel benchmark
using System.Globalization;
using BenchmarkDotNet.Running;
using DistNet.Kernels;
using DistNet.Kernels.Bench;

if (args is ["peak"])
{
    MachineLimits limits = MachineLimits.Measure(VectorUnit.Widest);
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"fma_gflops": {{limits.FmaGflops:F1}}, "copy_gigabytes_per_second": {{limits.CopyGigabytesPerSecond:F1}}, "vector_unit": "{{VectorUnit.Widest}}"}"""));
    return 0;
}

if (args is ["products"])
{
    ProductTable.Write(Console.Out);
    return 0;
}

if (args is ["convolutions", ..])
{
    ConvolutionTable.Write(Console.Out, args.Length > 1 ? args[1] : "");
    return 0;
}

if (args is ["memory", ..])
{
    MemoryTable.Write(Console.Out, args.Length > 1 ? args[1] : "");
    return 0;
}

if (args is ["step", ..])
{
    ModelDefinition model = args.Length < 3 ? StepRoofline.Mlp : args[2] switch
    {
        "cnn" => StepRoofline.Cnn,
        "residual" => StepRoofline.Residual,
        _ => StepRoofline.Mlp,
    };
    StepRoofline.Write(Console.Out, args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 512, model);
    return 0;
}

BenchmarkSwitcher.FromAssembly(typeof(ThroughputColumn).Assembly).Run(args);
return 0;
